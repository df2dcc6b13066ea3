import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { bug } from '../diagnostics/diagnostic.ts';

interface Folder {
  readonly [name: string]: string | URL | Folder;
}

const wanted = ['cxxrtl.h', 'cxxrtl_time.h', 'cxxrtl_vcd.h', 'capi/cxxrtl_capi.h'];

/**
 * The run-time library of cxxrtl that belongs to npm's Yosys, by file name ('cxxrtl/cxxrtl.h'). Yosys removes its
 * share folder from what a call leaves behind, so the files are taken from the package's resources.
 */
export async function cxxrtlHeaders(): Promise<Readonly<Record<string, string>>> {
  const bundle = pathToFileURL(createRequire(import.meta.url).resolve('@yowasp/yosys'));
  const resources = (await import(new URL('./resources-yosys.js', bundle).href)) as { readonly filesystem: Folder };
  const headers: Record<string, string> = {};
  for (const name of wanted) {
    const path = `share/include/backends/cxxrtl/runtime/cxxrtl/${name}`;
    let at: string | URL | Folder | undefined = resources.filesystem;
    for (const step of path.split('/')) at = typeof at === 'object' && !(at instanceof URL) ? at[step] : undefined;
    if (typeof at !== 'string') bug(`no ${path} in @yowasp/yosys`);
    headers[`cxxrtl/${name}`] = at;
  }
  return headers;
}
