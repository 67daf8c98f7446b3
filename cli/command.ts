// What every command gets: the process's surroundings as values, so that only gatehouse.ts touches the process.

export type CommandContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly version: string;
  readonly print: (line: string) => void;
};
