// What every command gets: the process's surroundings as values, so that only gatehouse.ts touches the process.

export type CommandContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly version: string;
  readonly print: (line: string) => void;
};

/** The command was understood and could not be done; the message is for the person who gave it. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "CommandFailed";
    this.exitCode = exitCode;
  }
}
