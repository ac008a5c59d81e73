import { openApi } from '../../appliance/admin/open-api.ts';
import { routesOf } from '../../appliance/admin/route/index.ts';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import { globalOptions } from '../../appliance/cli/global-option.ts';
import { commandLinePage } from './command-line.ts';
import { manualPages } from './manual.ts';

/** Every document that is made from code, by its path in the project. */
export function referenceFiles(): ReadonlyMap<string, string> {
  const table = { plain: plainCommands, nouns, options: globalOptions };
  // Nothing is asked of the routes: what they work with is not needed.
  const routes = routesOf({} as Parameters<typeof routesOf>[0]);
  return new Map([
    ['docs/openapi.json', `${JSON.stringify(openApi(routes), undefined, 2)}\n`],
    ['docs/cli-reference.md', commandLinePage(table)],
    ...[...manualPages(table)].map(([name, text]) => [`docs/man/${name}`, text] as const),
  ]);
}
