// Peer: what many would write. express with express-openid-connect, its session in an encrypted cookie; `/auth` answers
// an `auth_request` of nginx, every other path is proxied by http-proxy. Arguments: port, backend's port, issuer, client
// id.
import { Agent } from "node:http";
import express from "express";
import openidConnect from "express-openid-connect";
import httpProxy from "http-proxy";

const [port = "", backendPort = "", issuer = "", clientId = ""] = process.argv.slice(2);

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${backendPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 128 }),
});
const app = express();
app.disable("x-powered-by");
app.use(
  openidConnect.auth({
    baseURL: `http://127.0.0.1:${port}`,
    issuerBaseURL: issuer,
    clientID: clientId,
    clientSecret: "bench-client-secret",
    secret: "a secret for cookies, of this measurement only",
    authRequired: false,
    enableTelemetry: false,
    authorizationParams: { response_type: "code", scope: "openid profile email" },
  }),
);
app.get("/auth", (request, response) => {
  response.status(request.oidc.isAuthenticated() ? 204 : 401).end();
});
app.use((request, response) => {
  if (request.oidc.isAuthenticated()) proxy.web(request, response);
  else response.status(401).end();
});
app.listen(Number(port), "127.0.0.1");
