// Where log lines go: readable on a terminal, JSON for anything else.
import { pino } from "pino";
import pretty from "pino-pretty";
import { createLog, type Log, type LogLevel } from "../core/log.ts";

export type LogFor = (part: string) => Log;

export function terminalLog(level: LogLevel, isTerminal: boolean): LogFor {
  const destination = isTerminal
    ? pretty({
        sync: true,
        colorize: true,
        translateTime: "SYS:HH:MM:ss",
        ignore: "pid,hostname,part",
        messageFormat: "{part}: {msg}",
      })
    : pino.destination({ dest: 1, sync: false });
  return (part) => createLog(part, level, destination);
}
