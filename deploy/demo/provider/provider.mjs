// An organisation's OpenID provider for the demo and the tests: `oidc-provider`, with accounts from
// a file and one plain sign-in form. Started as `node provider.mjs <configuration.json>`:
//
//   issuer      its address, as https://… or, on the loopback only, http://…
//   host, port  where it listens
//   name        whose sign-in it is, for its pages
//   tls         { key, cert }, names of PEM files; absent for http on the loopback
//   keys        file with its private keys (JWKS); made if missing
//   accounts    file with [{ id, username, password, claims, id_token, amr, acr }]; `id` never
//               changes and becomes `sub`; `id_token` replaces claims in the ID token alone
//   clients     as oidc-provider takes them
//   further     settings of oidc-provider that stand above those here
//
// It prints `ready <issuer>` when it answers. On SIGHUP it reads all files again.

import { timingSafeEqual, createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { Provider } from 'oidc-provider';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
const FORM_BYTES = 16 * 1024;
const COOKIE_KEY = randomBytes(32).toString('hex');

const file = process.argv[2];
if (!file) {
  console.error('provider: name the configuration file');
  process.exit(2);
}

let current = build();

const server = current.configuration.tls
  ? https.createServer(
      {
        key: readFileSync(current.configuration.tls.key),
        cert: readFileSync(current.configuration.tls.cert),
        minVersion: 'TLSv1.2',
      },
      answer,
    )
  : http.createServer(answer);
server.listen(current.configuration.port, current.configuration.host ?? '127.0.0.1', () => {
  console.log(`ready ${current.configuration.issuer}`);
});
process.on('SIGHUP', () => {
  current = build();
  console.log('read again');
});
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => process.exit(0));

function build() {
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  const issuer = new URL(configuration.issuer);
  if (issuer.protocol !== 'https:' && !LOOPBACK.has(issuer.hostname)) {
    throw new Error('provider: plain http is for the loopback only');
  }
  const accounts = JSON.parse(readFileSync(configuration.accounts, 'utf8'));
  const byId = new Map(accounts.map((account) => [account.id, account]));
  const byName = new Map(accounts.map((account) => [account.username.toLowerCase(), account]));
  const provider = new Provider(configuration.issuer, {
    clients: configuration.clients,
    jwks: keys(configuration.keys),
    cookies: { keys: [COOKIE_KEY] },
    // What a directory knows of its staff, each under a scope of its own.
    claims: {
      openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'],
      profile: ['name', 'preferred_username'],
      email: ['email'],
      staff: ['employee_number', 'posts', 'unit', 'vetting'],
      groups: ['groups', 'hasgroups', '_claim_names', '_claim_sources'],
    },
    scopes: ['openid', 'profile', 'email', 'staff', 'groups'],
    conformIdTokenClaims: false,
    acrValues: ['one-factor', 'two-factors'],
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = page(
            configuration,
            'Sign out',
            `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out of `
              + `${escaped(configuration.name)}</button>`,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page(configuration, 'You are signed out', '');
        },
      },
    },
    // Whoever may ask again is told as long as the sign-in there lasts.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => byId.has(id) && {
      accountId: id,
      claims: (use) => {
        const account = byId.get(id);
        const own = use === 'id_token' ? account.id_token : account.userinfo;
        return { preferred_username: account.username, ...account.claims, ...own, sub: id };
      },
    },
    // The organisation has agreed for its staff: nobody is asked.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email staff groups');
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = page(configuration, 'Something went wrong', `<p>${escaped(out.error)}</p>`);
    },
    // The gateway of a demo is on this machine, where a provider does not call by default.
    fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
    ...configuration.further,
  });
  for (const event of ['backchannel.error', 'server_error']) {
    provider.on(event, (_ctx, error) => console.error(`provider: ${event}: ${error.message}`));
  }
  return { configuration, provider, byName, callback: provider.callback() };
}

// Make one RSA key for signing, unless the file is there.
function keys(name) {
  if (!existsSync(name)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
    writeFileSync(name, JSON.stringify({ keys: [key] }), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(name, 'utf8'));
}

function answer(request, response) {
  if (!request.url.startsWith('/interaction/')) {
    current.callback(request, response);
    return;
  }
  interaction(request, response).catch((error) => {
    console.error(`provider: ${error.message}`);
    show(response, 400, page(current.configuration, 'This sign-in has ended', '<p>Begin again.</p>'));
  });
}

async function interaction(request, response) {
  const { provider, byName, configuration } = current;
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    show(response, 200, signInForm(configuration, ''));
    return;
  }
  const form = new URLSearchParams(await body(request));
  const account = byName.get((form.get('username') ?? '').trim().toLowerCase());
  if (!same(account?.password ?? randomBytes(16).toString('hex'), form.get('password') ?? '')) {
    show(response, 401, signInForm(configuration, 'The username or password is not right.'));
    return;
  }
  await provider.interactionFinished(request, response, {
    login: { accountId: account.id, amr: account.amr ?? ['pwd'], acr: account.acr ?? 'one-factor' },
  });
}

function same(one, other) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

async function body(request) {
  let text = '';
  for await (const piece of request) {
    text += piece;
    if (text.length > FORM_BYTES) throw new Error('the form is too large');
  }
  return text;
}

function signInForm(configuration, fault) {
  return page(
    configuration,
    'Sign in',
    `${fault && `<p role="alert">${fault}</p>`}<form method="post">
<p><label>Username<br><input name="username" autocomplete="username" autocapitalize="none" required></label></p>
<p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button type="submit">Sign in</button></p></form>`,
  );
}

function page(configuration, title, content) {
  return `<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>${title} - `
    + `${escaped(configuration.name)}</title><meta name="viewport" content="width=device-width, `
    + `initial-scale=1"></head><body><main><p>${escaped(configuration.name)}</p><h1>${title}</h1>`
    + `${content}</main></body></html>`;
}

function show(response, status, content) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(content);
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
