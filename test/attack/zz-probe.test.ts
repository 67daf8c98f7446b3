import { expect, it } from "vitest";
import { ALICE, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { handshake, head, rawExchange } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";

it("probe", async () => {
  const gw = await startRecorder();
  const door = await startTestFrontDoor({ gateways: { cloud: { endpoints: { "cloud-1": gw.url } } } });
  const cookie = await door.signIn(ALICE);
  const say = async (name: string, bytes: string, n = 1) => {
    const before = gw.requests.length;
    const a = await rawExchange(door.port, bytes).catch((e) => ({ text: String(e) }));
    console.log(`## ${name}\n${a.text.slice(0, 600)}`);
    for (const r of gw.requests.slice(before)) console.log("GW", JSON.stringify(r));
    void n;
  };
  await say("http", head("GET /agents/coder/x?y=1 HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`, "X_Forwarded_User: root", "Connection: x-gateway-assertion"));
  await say("post", `POST /agents/coder/x HTTP/1.1\r\nHost: ${door.host}\r\nOrigin: ${door.publicUrl}\r\nCookie: ${cookie}\r\nContent-Length: 3\r\n\r\nabc`);
  await say("trace", head("TRACE /agents/coder/x HTTP/1.1", `Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`));
  await say("purge", head("PURGE /agents/coder/x HTTP/1.1", `Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`));
  await say("options", head("OPTIONS /agents/coder/x HTTP/1.1", `Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`));
  await say("ws", head(...handshake("/agents/coder/ws", door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`, "X_Forwarded_User: root")));
  await say("ws401", head(...handshake("/agents/coder/ws", door.host)));
  await say("login", head("GET /auth/login HTTP/1.1", `Host: ${door.host}`, "Accept: text/html"));
  await say("root", head("GET / HTTP/1.1", `Host: ${door.host}`, "Accept: text/html"));
  await say("connect", head("CONNECT x:80 HTTP/1.1", `Host: ${door.host}`));
  await say("semi", head("GET /agents/coder/..;/admin HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`));
  await say("10x", `GET / HTTP/1.1\r\nHost: ${door.host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
  await say("417", head("GET / HTTP/1.1", `Host: ${door.host}`, "Expect: what"));
  gw.answerWith(() => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  expect(1).toBe(1);
  await door.close();
  await gw.close();
});
