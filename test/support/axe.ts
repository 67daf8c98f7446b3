// axe-core in a page that allows no script but its own: injected through the debugger, which no policy concerns.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Found = {
  readonly violations: readonly { id: string; nodes: readonly { html: string; failureSummary: string }[] }[];
};

/** What is wrong for people who use the page by keyboard, by ear, or with little contrast; empty when nothing is. */
export async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? "axe failed");
    return result.value;
  };
  await evaluate(`${AXE}; undefined`);
  const found = (await evaluate("axe.run(document, { resultTypes: ['violations'] })")) as Found;
  await session.detach();
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}: ${failureSummary}`),
  );
}
