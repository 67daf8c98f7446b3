// Which Node runs this: older than 20.19 cannot, 20 has no security updates any more.

export type NodeVersionFault = { readonly fatal: boolean; readonly message: string };

/** @param version such as `20.19.0` */
export function nodeVersionFault(version: string): NodeVersionFault | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    return { fatal: true, message: `Node ${version} is too old; install Node 20.19 or newer, best 24` };
  }
  if (major < 22) {
    return {
      fatal: false,
      message: `Node ${version} gets no security updates since April 2026; install Node 22 or newer, best 24`,
    };
  }
  return undefined;
}
