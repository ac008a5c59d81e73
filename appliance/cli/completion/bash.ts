import { isPath } from './word.ts';
import type { Place } from './word.ts';

/** A script for `source`, or for a folder of bash-completion under the name `twinlock`. */
export function bashCompletion(places: readonly Place[]): string {
  const all = places.flatMap(({ options }) => options);
  const valued = [...new Set(all.filter(({ value }) => value !== undefined).map((o) => o.word))];
  const paths = new Set(all.filter(isPath).map(({ word }) => word));
  const others = valued.filter((word) => !paths.has(word));
  const cases = places.map(({ after, words, options, files }) => {
    const [list, dashed] = [words, options].map((all) => all.map(({ word }) => word).join(' '));
    return `    '${after}') words='${list}' options='${dashed}' files=${files ? 1 : 0} ;;`;
  });
  return `# bash completion for twinlock; made by \`twinlock completion bash\`
_twinlock() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local place='' skip=0 known word words options files i
  known=' ${places.map(({ after }) => after.replace(' ', '+')).join(' ')} '
  COMPREPLY=()
  case $previous in
    ${[...paths].join('|')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${others.join('|')}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((skip)); then skip=0; continue; fi
    case $word in
      ${valued.join('|')}) skip=1; continue ;;
      -*) continue ;;
    esac
    if [[ -z $place && $known == *" $word "* || $known == *" $word+"* ]]; then place=$word
    elif [[ -n $place && $known == *" $place+$word "* ]]; then place="$place $word"
    fi
  done
  case $place in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then words=$options; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if ((files)) && [[ $current != -* ]]; then
    local found
    mapfile -t found < <(compgen -f -- "$current")
    COMPREPLY+=("\${found[@]}")
  fi
}
complete -o filenames -F _twinlock twinlock
`;
}
