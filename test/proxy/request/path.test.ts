import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseTarget } from "../../../proxy/request/path.ts";

describe("a request target", () => {
  test.each([
    ["/", "/", [""], ""],
    ["/agents/coder/ws", "/agents/coder/ws", ["agents", "coder", "ws"], ""],
    ["/agents/coder/", "/agents/coder/", ["agents", "coder", ""], ""],
    ["/%61gents/%63oder", "/agents/coder", ["agents", "coder"], ""],
    ["/a%7eb%2Dc", "/a~b-c", ["a~b-c"], ""],
    ["/a%20b", "/a%20b", ["a b"], ""],
    ["/zo%c3%ab", "/zo%C3%AB", ["zoë"], ""],
    ["/a;b=1,2@c:d!$&'()*+", "/a;b=1,2@c:d!$&'()*+", ["a;b=1,2@c:d!$&'()*+"], ""],
    ["/...", "/...", ["..."], ""],
    ["/.well-known/jwks.json", "/.well-known/jwks.json", [".well-known", "jwks.json"], ""],
    ["/foo/secret%23/bar", "/foo/secret%23/bar", ["foo", "secret#", "bar"], ""],
    ["/a?b=/../c//d%2F%zz", "/a", ["a"], "?b=/../c//d%2F%zz"],
    ["/admin?/public", "/admin", ["admin"], "?/public"],
    ["/a?", "/a", ["a"], "?"],
    ["/a??b?c", "/a", ["a"], "??b?c"],
    ["/ADMIN", "/ADMIN", ["ADMIN"], ""],
  ])("%j has one form", (target, path, segments, query) => {
    expect(parseTarget(target)).toEqual({ ok: true, value: { path, segments, query } });
  });

  test.each([
    ["", "target is not an absolute path"],
    ["*", "target is not an absolute path"],
    ["agents", "target is not an absolute path"],
    ["http://tenant2/", "target is not an absolute path"],
    ["http://169.254.169.254/latest/meta-data", "target is not an absolute path"],
    ["tenant2:80", "target is not an absolute path"],
    ["?a=b", "target is not an absolute path"],
    ["/a#b", "target is not an absolute path"],
    ["/a\\b", "target is not an absolute path"],
    ["/a b", "target is not an absolute path"],
    ["/a\tb", "target is not an absolute path"],
    ["/a\u0000b", "target is not an absolute path"],
    ["/zoë", "target is not an absolute path"],
    ['/a"b', "target is not an absolute path"],
    ["/a{b}", "target is not an absolute path"],
    ["/a?b#c", "query has characters that need encoding"],
    ["/a?b c", "query has characters that need encoding"],
    ["/a?b\\c", "query has characters that need encoding"],
    ['/a?b"c', "query has characters that need encoding"],
    ["/a?b\u007f", "query has characters that need encoding"],
    ["/a?bë", "query has characters that need encoding"],
    ["//admin", "path has an empty segment"],
    ["//evil.example/%2f..", "path has an encoding that is not allowed"],
    ["/public//admin", "path has an empty segment"],
    ["/admin//", "path has an empty segment"],
    ["/.", "path has a dot segment"],
    ["/..", "path has a dot segment"],
    ["/public/../admin/x", "path has a dot segment"],
    ["/public/./../user/1", "path has a dot segment"],
    ["/public/%2e%2e/admin", "path has a dot segment"],
    ["/public/%2E./admin", "path has a dot segment"],
    ["/public/.%2e", "path has a dot segment"],
    ["/public%2f..%2fadmin", "path has an encoding that is not allowed"],
    ["/public%2Fadmin", "path has an encoding that is not allowed"],
    ["/public%5c..%5cadmin", "path has an encoding that is not allowed"],
    ["/public%5Cadmin", "path has an encoding that is not allowed"],
    ["/%C0%AFadmin", "path has an encoding that is not allowed"],
    ["/%ff", "path has an encoding that is not allowed"],
    ["/%ed%a0%80", "path has an encoding that is not allowed"],
    ["/a%00", "path has an encoding that is not allowed"],
    ["/a%0a", "path has an encoding that is not allowed"],
    ["/a%0d%0aX: y", "target is not an absolute path"],
    ["/a%7f", "path has an encoding that is not allowed"],
    ["/a%252e", "path has an encoding that is not allowed"],
    ["/a%25", "path has an encoding that is not allowed"],
    ["/a%", "path has an encoding that is not allowed"],
    ["/a%2", "path has an encoding that is not allowed"],
    ["/a%zz", "path has an encoding that is not allowed"],
    [`/${"a".repeat(8 * 1024)}`, "target too long"],
  ])("%j is refused", (target, error) => {
    expect(parseTarget(target)).toEqual({ ok: false, error });
  });
});

describe("any target that is accepted", () => {
  const piece = fc.constantFrom(
    ..."/ // . .. %2e %2E %2f %5c %25 %61 %41 %c3%ab %20 %00 a Z ~ - _ ; = ? # @ : \\ % %zz é".split(" "),
  );
  const target = fc
    .array(fc.oneof({ weight: 6, arbitrary: piece }, { weight: 1, arbitrary: fc.string({ maxLength: 3 }) }))
    .map((pieces) => `/${pieces.join("")}`);
  const accepted = target.map(parseTarget).filter((parsed) => parsed.ok);

  it("is in its last form: read again, it is the same", () => {
    fc.assert(
      fc.property(accepted, (parsed) => {
        const { path, query } = parsed.value;
        expect(parseTarget(`${path}${query}`)).toEqual(parsed);
      }),
    );
  });

  it("has one slash in front of each segment, and its segments are the path's, decoded", () => {
    fc.assert(
      fc.property(accepted, (parsed) => {
        const { path, segments } = parsed.value;
        expect(path.startsWith("/") && !path.includes("//")).toBe(true);
        expect(path.split("/").slice(1).map(decodeURIComponent)).toEqual(segments);
      }),
    );
  });

  it("has no segment that names another place, and nothing that a second decoding could change", () => {
    fc.assert(
      fc.property(accepted, (parsed) => {
        for (const segment of parsed.value.segments) {
          expect([".", ".."]).not.toContain(segment);
          expect(segment).not.toMatch(/[/\\%\p{Cc}]/u);
        }
      }),
    );
  });

  it("is read by the URL parser of browsers as the same path and query", () => {
    fc.assert(
      fc.property(accepted, (parsed) => {
        const { path, query } = parsed.value;
        const url = new URL(`${path}${query}`, "http://door.example");
        expect([url.host, url.pathname]).toEqual(["door.example", path]);
      }),
    );
  });
});
