import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nginx } from './require.ts';

const guide = fileURLToPath(new URL('../../docs/remote-cache.md', import.meta.url));

/** A user who may write. */
export const writer = { user: 'ci', password: 'correct horse' } as const;
export const authorization: string = `Basic ${Buffer.from(`${writer.user}:${writer.password}`).toString('base64')}`;

/** Debian's nginx as a shared cache, with the `server` that docs/remote-cache.md tells people to write. */
export class Nginx {
  readonly folder = mkdtempSync(join(tmpdir(), 'finn-nginx-'));
  #process: ChildProcess | undefined;
  #port = 0;
  #tls = false;

  /** Where the files lie: ac/ and cas/. */
  get files(): string {
    return join(this.folder, 'cache');
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`;
  }

  /** Where clients find the authority that they have to trust, if it speaks https. */
  get certificate(): string {
    return join(this.folder, 'certificate.pem');
  }

  /** Starts it, with `tls` under a certificate that it makes for itself by openssl. */
  async start(tls = false): Promise<this> {
    this.#tls = tls;
    this.#port = await freePort();
    chmodSync(this.folder, 0o755);
    mkdirSync(this.files, { recursive: true });
    const users = join(this.folder, 'users');
    writeFileSync(users, `${writer.user}:{PLAIN}${writer.password}\n`);
    const server = configOf(guide)
      .replace('listen 8080', `listen 127.0.0.1:${this.#port}${tls ? this.#secured() : ''}`)
      .replaceAll('/var/cache/finn', this.files)
      .replace('/etc/nginx/finn.users', users);
    const config = join(this.folder, 'nginx.conf');
    // One process as whoever runs the test; none of the folders that the package made.
    const temporary = ['proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${this.folder}/${kind};`);
    writeFileSync(
      config,
      `daemon off; master_process off; pid ${this.folder}/pid; events {}\n` +
        `http { access_log off; ${temporary.join(' ')}\n${server}\n}\n`,
    );
    const log = join(this.folder, 'error.log');
    this.#process = spawn(nginx, ['-e', log, '-p', this.folder, '-c', config], { stdio: 'ignore' });
    const ended = new Promise<never>((_, reject) => {
      this.#process?.once('exit', () => reject(new Error(`nginx ended: ${readFileSync(log, 'utf8')}`)));
    });
    await Promise.race([this.#answers(), ended]);
    ended.catch(() => {});
    return this;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What goes behind `listen`, and the certificate. */
  #secured(): string {
    const key = join(this.folder, 'key.pem');
    const subject = ['-subj', '/CN=finn test', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['-nodes', '-newkey', 'rsa:2048', '-days', '2', '-keyout', key, '-out', this.certificate];
    execFileSync('openssl', ['req', '-x509', ...subject, ...made], { stdio: 'ignore' });
    return ` ssl; ssl_certificate ${this.certificate}; ssl_certificate_key ${key}`;
  }

  async #answers(): Promise<void> {
    for (let left = 200; left > 0; left -= 1) {
      const there = await new Promise((resolve) => {
        const socket = connect(this.#port, '127.0.0.1', () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
      if (there) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('nginx does not answer');
  }
}

/** The first block of nginx's language in a document. */
function configOf(path: string): string {
  const found = /```nginx\n([\s\S]*?)```/.exec(readFileSync(path, 'utf8'))?.[1];
  if (!found) throw new Error(`${path} has no \`\`\`nginx block`);
  return found;
}

/** A port of this machine that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
