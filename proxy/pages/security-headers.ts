// What every page, refusal and API answer of the door carries: nothing inline, nothing from elsewhere, nothing framed,
// no markup made from text.
import helmet from "helmet";

/**
 * Name and value of each.
 * @param publicUrl own origin; its WebSocket form is the only other place pages connect to
 */
export function securityHeaders(publicUrl: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => void Object.assign(headers, { [name.toLowerCase()]: value }),
    removeHeader: () => {},
  };
  // The headers are the same on every answer: made once, so that they can also go out where no express is.
  policy(publicUrl.startsWith("https:"), publicUrl)({} as never, response as never, (error) => {
    if (error !== undefined) throw error;
  });
  return Object.freeze(headers);
}

function policy(https: boolean, publicUrl: string) {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'", publicUrl.replace(/^http/, "ws")],
        // No form-action: browsers apply it to redirects too, and signing out ends at the provider.
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
      },
    },
    crossOriginOpenerPolicy: { policy: "same-origin" },
    crossOriginResourcePolicy: { policy: "same-origin" },
    // Not "no-referrer": browsers then send "Origin: null" with our own forms.
    referrerPolicy: { policy: "same-origin" },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: "deny" },
  });
}
