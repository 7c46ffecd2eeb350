// Somebody in front of the page: a team of Cloudflare Access whose keys stand on a loopback address.
import { createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

const TAG = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A team: what ringward.yaml says of it, and what a browser of one of its people sends. */
export async function team() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "ours", alg: "RS256", use: "sig" }];
  const server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "application/json").end(JSON.stringify({ keys }));
  });
  await new Promise((resume) => server.listen(0, "127.0.0.1", resume));
  const config =
    `access:\n  team: acme\n  audience: [${TAG}]\n  certs_url: http://127.0.0.1:${server.address().port}/certs\nreading: open\n`;

  /** The options of a browser window that Access lets in for this person. */
  function as(email) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      aud: [TAG], email, exp: now + 3600, iat: now - 5, nbf: now - 5, type: "app", sub: "7335d417",
      iss: "https://acme.cloudflareaccess.com",
    };
    const message = `${encoded({ alg: "RS256", kid: "ours", typ: "JWT" })}.${encoded(claims)}`;
    const signature = createSign("RSA-SHA256").update(message).sign(privateKey, "base64url");
    return { extraHTTPHeaders: { "Cf-Access-Jwt-Assertion": `${message}.${signature}` } };
  }
  return { config, as, close: () => server.close() };
}
