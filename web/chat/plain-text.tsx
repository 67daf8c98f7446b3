// Text exactly as it was written, line breaks and all. What is very long is shown in pieces, of which the browser lays
// out only those in view.
import { piecesOf } from "./text-pieces.ts";

export function PlainText({ text }: { readonly text: string }) {
  const pieces = piecesOf(text);
  if (pieces.length === 1)
    return (
      <div class="text written" dir="auto">
        {text}
      </div>
    );
  return (
    <div class="text">
      {pieces.map((piece, index) => (
        <div key={index} class="written piece" dir="auto">
          {piece}
        </div>
      ))}
    </div>
  );
}
