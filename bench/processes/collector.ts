// Loaded before a Node program (`node --expose-gc --import …`), so that its memory can be read without what it has not
// thrown away yet: on the message "collect" it collects and answers. Changes nothing of the program itself.

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined || process.send === undefined)
  throw new Error("needs --expose-gc and a channel to the process that asks");

process.on("message", (message) => {
  if (message !== "collect") return;
  collect();
  // Once more, for what the first round's finalizers let go.
  setImmediate(() => {
    collect();
    process.send?.("collected");
  });
});
// Listening must not keep the program alive.
process.channel?.unref();
