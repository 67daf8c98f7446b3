// Real nginx with the configuration files of nginx/ as they are shipped: only ports, names and folders are replaced.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { TestCertificate } from "./certificates.ts";
import { freePort } from "./free-port.ts";

export const hasNginx = spawnSync("nginx", ["-v"]).status === 0;

export type NginxForm = "in-front" | "data-plane";

export type NginxOptions = {
  readonly form: NginxForm;
  /** Where it listens with TLS. */
  readonly tlsPort: number;
  readonly certificate: TestCertificate;
  readonly doorPort: number;
  readonly privatePort: number;
  /** What stands in the files → what shall stand there. Each must stand there. */
  readonly changes?: Readonly<Record<string, string>>;
};

export type RunningNginx = {
  /** Where it listens without TLS. */
  readonly plainPort: number;
  /** All of its processes, without a word. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

export async function startNginx(options: NginxOptions): Promise<RunningNginx> {
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-nginx-"));
  const plainPort = await freePort();
  const shipped = join(folder, "gatehouse");
  await cp(new URL("../../nginx", import.meta.url).pathname, shipped, { recursive: true });
  await replaceIn(
    [join(shipped, `${options.form}.conf`), ...(await readdir(join(shipped, "parts"))).map(inParts)],
    {
      "listen 80;": `listen 127.0.0.1:${plainPort};`,
      "listen 443 ssl": `listen 127.0.0.1:${options.tlsPort} ssl`,
      "listen [::]:80;": "",
      "listen [::]:443 ssl http2;": "",
      "gatehouse.example.com": "localhost",
      "/etc/nginx/": `${folder}/`,
      "127.0.0.1:8080": `127.0.0.1:${options.doorPort}`,
      ...(options.form === "data-plane" ? { "127.0.0.1:9464": `127.0.0.1:${options.privatePort}` } : {}),
      ...options.changes,
    },
  );
  await mkdir(join(shipped, "tls"));
  await writeFile(join(shipped, "tls", "fullchain.pem"), options.certificate.cert);
  await writeFile(join(shipped, "tls", "privkey.pem"), options.certificate.key, { mode: 0o600 });
  await writeFile(join(folder, "nginx.conf"), mainFile(folder, options.form));
  // A group of its own: killing the first process alone would leave its workers.
  const nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  nginx.stderr.on("data", (chunk) => {
    said += chunk;
  });
  try {
    await vi.waitFor(() => {
      if (nginx.exitCode !== null) throw new Error(`nginx did not start: ${said}`);
      return listening(options.tlsPort);
    }, WITHIN);
  } catch (error) {
    end(nginx, "SIGKILL");
    throw error;
  }

  async function stop(signal: "SIGTERM" | "SIGKILL") {
    if (nginx.exitCode !== null || nginx.signalCode !== null) return;
    const exit = once(nginx, "exit");
    end(nginx, signal);
    await exit;
  }

  function inParts(name: string) {
    return join(shipped, "parts", name);
  }

  return {
    plainPort,
    kill: () => stop("SIGKILL"),
    async close() {
      await stop("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const WITHIN = { timeout: 20_000, interval: 20 };

async function replaceIn(files: readonly string[], changes: Readonly<Record<string, string>>): Promise<void> {
  const unused = new Set(Object.keys(changes));
  for (const file of files) {
    let text = await readFile(file, "utf8");
    for (const [from, to] of Object.entries(changes)) {
      if (!text.includes(from)) continue;
      text = text.replaceAll(from, to);
      unused.delete(from);
    }
    await writeFile(file, text);
  }
  if (unused.size > 0) throw new Error(`not in the shipped files: ${[...unused].join(", ")}`);
}

/** What Debian's own nginx.conf is around the shipped file. */
function mainFile(folder: string, form: NginxForm): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${folder}/${name};`).join("\n")}
  include gatehouse/${form}.conf;
}
`;
}

function listening(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
  });
}

function end({ pid }: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid !== undefined) process.kill(signal === "SIGKILL" ? -pid : pid, signal);
}
