// Where the focus goes on the chat page when a session opens, and when the button that was pressed goes away. Where a
// finger points never into the message box by itself: the keyboard would come up over what was opened.

export const HEADING_ID = "chat-heading";
export const CONVERSATION_ID = "conversation";
export const MESSAGE_ID = "message";
/** What the open session is called: part of the heading, and said with the message box. */
export const TITLE_ID = "session-title";

/** A session has opened: where one writes, or else what it is called. */
export function focusOpened(): void {
  focusOn(pointsFinely() ? MESSAGE_ID : HEADING_ID);
}

/** The button that was pressed is about to go: the focus must not go with it. */
export function focusAfterPress(): void {
  focusOn(pointsFinely() ? MESSAGE_ID : CONVERSATION_ID);
}

/** By a mouse or the like; false for fingers, whose keyboard is on the screen. */
export function pointsFinely(): boolean {
  return matchMedia("(pointer: fine)").matches;
}

/** Nothing happens to an element that is not shown. */
function focusOn(id: string): void {
  document.getElementById(id)?.focus({ preventScroll: true });
}
