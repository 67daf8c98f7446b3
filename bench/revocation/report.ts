// The figures as a page. Pure.
import { quantilesOf } from "./quantiles.ts";
import type { Measured } from "./scenarios.ts";

export type Machine = { readonly node: string; readonly cores: number };

export function reportOf(measured: readonly Measured[], { node, cores }: Machine): string {
  const rows = measured.map(({ source, times, close }) => {
    const { count, p50, p99, max } = quantilesOf(times);
    return `| ${source} | ${count} | ${ms(p50)} | ${ms(p99)} | ${ms(max)} | \`${close}\` |`;
  });
  return `# How fast access ends

Written by \`npm run bench:revocation\` (Node ${node}, ${cores} cores, everything on one machine).

Each row is one way in which access ends. The time is from sending the request that causes it to the close frame at
the client, on one monotonic clock; where no request causes it, the row says from when. The front door and the
gateways are the real commands, each in a process of its own.

| what ends access | sockets | p50 ms | p99 ms | max ms | close frame |
|---|---|---|---|---|---|
${rows.join("\n")}

Where one cause ends all sockets of a row, the last of them sets the maximum. A policy file is found by watching its
folder: the time from saving it holds the pause in which further writes of the same save are waited for.
`;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
