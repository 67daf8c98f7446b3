// HAProxy as peer: plain, or verifying a bearer's ES256 signature, issuer and end on every request. One thread. Pure.

export type HaproxyPlace = { readonly port: number; readonly backendPort: number };

/** @param publicKeyPath PEM of the key that bearers are signed with; left out: nobody is asked for one */
export function haproxyConfig({ port, backendPort }: HaproxyPlace, publicKeyPath?: string): string {
  const verify =
    publicKeyPath === undefined
      ? ""
      : `  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny unless { var(txn.bearer),jwt_verify(ES256,"${publicKeyPath}") -m int 1 }
  http-request deny unless { var(txn.bearer),jwt_payload_query('$.iss') -m str ${BEARER_ISSUER} }
  http-request set-var(txn.now) date()
  http-request deny if { var(txn.bearer),jwt_payload_query('$.exp','int'),sub(txn.now) -m int lt 0 }
`;
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend bench
  bind 127.0.0.1:${port}
${verify}  default_backend gateway
backend gateway
  server one 127.0.0.1:${backendPort}
`;
}

export const BEARER_ISSUER = "gatehouse-bench";
