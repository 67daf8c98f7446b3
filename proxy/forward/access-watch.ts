// Whether access still holds while one request is forwarded: told by the live index, asked and listened to by the
// forwarder. An AbortSignal would say the same for 4 µs a request.

export class AccessWatch {
  hasEnded = false;
  private cut: (() => void) | undefined;

  /** @param cut called at once when access ends from now on; the last one given counts */
  whenEnded(cut: () => void): void {
    this.cut = cut;
  }

  end(): void {
    this.hasEnded = true;
    this.cut?.();
  }
}
