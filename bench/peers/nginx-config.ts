// nginx as peer, in three forms over one skeleton, so that only what is measured differs. One process, no access log;
// connections to whatever stands behind are kept open. Pure.

export type NginxForm =
  | { readonly kind: "plain" }
  /** @param authPort where express-openid-connect answers `GET /auth` */
  | { readonly kind: "auth_request"; readonly authPort: number }
  /** @param verifyPort the front door's private listener */
  | { readonly kind: "data plane"; readonly verifyPort: number };

export type NginxPlace = { readonly folder: string; readonly port: number; readonly backendPort: number };

export function nginxConfig({ folder, port, backendPort }: NginxPlace, form: NginxForm): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((what) => `${what}_temp_path ${folder}/${what};`)
    .join(" ");
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  ${temp}
  keepalive_requests 1000000;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 128; keepalive_requests 1000000; }
  ${upstreamOf(form)}
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    location / {
      ${authOf(form)}
      proxy_pass http://backend;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 3600s;
      proxy_send_timeout 3600s;
    }
    ${locationOf(form)}
  }
}
`;
}

function upstreamOf(form: NginxForm): string {
  if (form.kind === "plain") return "";
  const port = form.kind === "auth_request" ? form.authPort : form.verifyPort;
  return `upstream auth { server 127.0.0.1:${port}; keepalive 128; keepalive_requests 1000000; }`;
}

/** What the front door says about the person goes on to the gateway; a client's own headers of these names do not. */
const FROM_THE_DOOR = [
  "X-Gateway-Assertion",
  "X-User-Id",
  "X-User-Email",
  "X-User-Name",
  "X-Request-Id",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
];

function authOf(form: NginxForm): string {
  if (form.kind === "plain") return "";
  if (form.kind === "auth_request") return "auth_request /_auth;";
  const passed = FROM_THE_DOOR.map((name) => {
    const variable = `$auth_${name.toLowerCase().replaceAll("-", "_")}`;
    const answered = `$upstream_http_${name.toLowerCase().replaceAll("-", "_")}`;
    return `auth_request_set ${variable} ${answered}; proxy_set_header ${name} ${variable};`;
  });
  return ["auth_request /_auth;", ...passed].join("\n      ");
}

function locationOf(form: NginxForm): string {
  if (form.kind === "plain") return "";
  const lines =
    form.kind === "auth_request"
      ? ["proxy_pass http://auth/auth;"]
      : [
          "proxy_pass http://auth/auth/verify;",
          "proxy_set_header Host 127.0.0.1;",
          "proxy_set_header X-Forwarded-Method $request_method;",
          "proxy_set_header X-Forwarded-Uri $request_uri;",
          "proxy_set_header X-Forwarded-Host $http_host;",
          "proxy_set_header X-Forwarded-For $remote_addr;",
        ];
  return `location = /_auth {
      internal;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      ${lines.join("\n      ")}
    }`;
}
