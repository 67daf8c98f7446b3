// Whether access still holds while one request is forwarded: told by the live index, asked and listened to by the
// forwarder. An AbortSignal would say the same for 4 µs a request.

export type AccessWatch = {
  readonly ended: boolean;
  /** @param cut called at once when access ends from now on; the last one given counts */
  whenEnded(cut: () => void): void;
  end(): void;
};

export function watchAccess(): AccessWatch {
  let ended = false;
  let cut = () => {};
  return {
    get ended() {
      return ended;
    },
    whenEnded(then) {
      cut = then;
    },
    end() {
      ended = true;
      cut();
    },
  };
}
