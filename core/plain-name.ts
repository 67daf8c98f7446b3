// Names from a provider or a configuration file, made safe to stand inside a sentence: what is invisible or turns the
// direction of the text around it is written out, so that it can neither disguise the sentence nor hide from IT. Pure.

const MAX_CHARACTERS = 120;
const MAX_LISTED = 12;

/** `a\u202eb` → `a[U+202E]b`; cut when it is very long. Not escaped for HTML. */
export function plainName(name: string): string {
  const characters = Array.from(name);
  const cut = characters.slice(0, MAX_CHARACTERS).join("");
  const visible = cut.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, written);
  return characters.length > MAX_CHARACTERS ? `${visible}…` : visible;
}

/** `engineering, it`; what is too much is counted. */
export function plainList(names: readonly string[]): string {
  const listed = names.slice(0, MAX_LISTED).map(plainName).join(", ");
  return names.length > MAX_LISTED ? `${listed} and ${names.length - MAX_LISTED} more` : listed;
}

function written(character: string): string {
  return `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
