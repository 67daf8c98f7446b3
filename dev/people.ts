// The demonstration people: who can sign in when trying Gatehouse out, and what each of them shows.

export type Person = {
  /** The provider's stable name for them; never their e-mail. */
  readonly sub: string;
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** What signing in as them leads to, for the sign-in page and the start message. */
  readonly gets: string;
};

/** The same for everyone, and shown on the sign-in page. */
export const DEMONSTRATION_PASSWORD = "demo";

export const PEOPLE: readonly Person[] = [
  {
    sub: "demo-alice",
    email: "alice@example.com",
    name: "Alice Archer",
    groups: ["engineering"],
    gets: "Agents assistant and coder, in the cloud",
  },
  {
    sub: "demo-bob",
    email: "bob@example.com",
    name: "Bob Baker",
    groups: ["finance"],
    gets: "Agent assistant in the cloud, analyst on the Berlin box",
  },
  {
    sub: "demo-dana",
    email: "dana@example.com",
    name: "Dana Diaz",
    groups: ["field"],
    gets: "Agent assistant, on the Berlin box",
  },
  {
    sub: "demo-ivy",
    email: "ivy@example.com",
    name: "Ivy Ito",
    groups: ["it"],
    gets: "Every agent, and the role it",
  },
  {
    sub: "demo-omar",
    email: "omar@example.com",
    name: "Omar Osman",
    groups: ["platform"],
    gets: "The role ops, and no agent",
  },
  {
    sub: "demo-eve",
    email: "eve@example.com",
    name: "Eve Evans",
    groups: ["engineering"],
    gets: "Refused by name, although her group has agents",
  },
  {
    sub: "demo-zoe",
    email: "zoe@example.com",
    name: "Zoë Zander",
    groups: [],
    gets: "Signed in without an agent: a page that says whom to ask",
  },
];

/** People of another company, which runs a provider of its own. */
export const PARTNER_PEOPLE: readonly Person[] = [
  {
    sub: "partner-pat",
    email: "pat@partner.example",
    name: "Pat Park",
    groups: ["engineering"],
    gets: "Agent assistant: partner/engineering is not engineering",
  },
  {
    // Subject and e-mail of somebody at the other company: its provider may say so, and it means nothing there.
    sub: "demo-alice",
    email: "alice@example.com",
    name: "Alice Archer",
    groups: ["auditors"],
    gets: "Agent analyst: another person than Alice of Example Ltd",
  },
];
