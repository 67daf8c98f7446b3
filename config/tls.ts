// Certificate and key of a listener of our own: two files, given together or not at all.
import { z } from "zod";
import { path } from "./field-values.ts";

export const tlsSchema = z.strictObject({
  certificate: path.describe("PEM file: the certificate, behind it the chain that leads to its CA."),
  key: path.describe("PEM file of its private key, without a passphrase; readable for this process alone."),
});

export type TlsFiles = z.output<typeof tlsSchema>;
