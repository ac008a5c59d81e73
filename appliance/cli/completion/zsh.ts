import { isPath } from './word.ts';
import type { Place } from './word.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A script for a folder of `fpath` under the name `_twinlock`. */
export function zshCompletion(places: readonly Place[]): string {
  const all = places.flatMap(({ options }) => options);
  const valued = [...new Set(all.filter(({ value }) => value !== undefined).map((o) => o.word))];
  const paths = [...new Set(all.filter(isPath).map(({ word }) => word))];
  const cases = places.flatMap(({ after, words, options, files }) => [
    `    ${quoted(after)})`,
    `      words_here=(${[...words, ...options]
      .map(({ word, what }) => quoted(`${word}:${what.replaceAll(':', '\\:')}`))
      .join(' ')})`,
    `      files=${files ? 1 : 0} ;;`,
  ]);
  return `#compdef twinlock
# zsh completion for twinlock; made by \`twinlock completion zsh\`
_twinlock() {
  local place='' skip=0 files=0 word previous=\${words[CURRENT-1]}
  local -a known valued paths words_here
  known=(${places
    .filter(({ after }) => after !== '')
    .map(({ after }) => quoted(after))
    .join(' ')})
  valued=(${valued.join(' ')})
  paths=(${paths.join(' ')})
  if (( \${paths[(Ie)$previous]} )); then _files; return; fi
  if (( \${valued[(Ie)$previous]} )); then return 1; fi
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if (( skip )); then skip=0; continue; fi
    if (( \${valued[(Ie)$word]} )); then skip=1; continue; fi
    if [[ $word == -* ]]; then continue; fi
    if [[ -z $place ]] && (( \${known[(Ie)$word]} )); then place=$word
    elif [[ -n $place ]] && (( \${known[(Ie)$place $word]} )); then place="$place $word"; fi
  done
  case $place in
${cases.join('\n')}
  esac
  _describe -t commands twinlock words_here
  if (( files )); then _files; fi
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _twinlock "$@"
else compdef _twinlock twinlock; fi
`;
}
