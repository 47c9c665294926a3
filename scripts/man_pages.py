"""Writes manual pages for the command and each of its subcommands, from what its parser knows of them.

    lowrank --experimental-dump-help | scripts/man_pages.py FOLDER VERSION
"""

import json
import re
import sys
from pathlib import Path


def escaped(text):
    """Text as roff has it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in text.split("\n"))


def names(argument):
    """An option's names with its value's."""
    dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    words = [f"\\fB{escaped(dashes[name['kind']] + name['name'])}\\fR" for name in argument.get("names", [])]
    value = f"\\fI{escaped(argument.get('valueName', ''))}\\fR"
    if argument["kind"] == "positional":
        return value
    return ", ".join(words) + (f" {value}" if argument["kind"] == "option" else "")


def synopsis(words, command):
    parts = [f"\\fB{escaped(' '.join(words))}\\fR"]
    shown = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)]
    parts += ["[\\fIoptions\\fR]"] if any(argument["kind"] != "positional" for argument in shown) else []
    parts += ["\\fIcommand\\fR"] if command.get("subcommands") else []
    for argument in shown:
        if argument["kind"] == "positional":
            text = names(argument) + (" ..." if argument.get("isRepeating") else "")
            parts.append(f"[{text}]" if argument.get("isOptional") else text)
    return " ".join(parts)


def described(argument):
    sentences = [argument.get("abstract", ""), argument.get("discussion", "")]
    if argument.get("allValues"):
        sentences.append(f"One of {', '.join(argument['allValues'])}.")
    if argument.get("defaultValue"):
        sentences.append(f"The default is {argument['defaultValue']}.")
    return escaped(" ".join(sentence.strip() for sentence in sentences if sentence.strip()))


def page(words, command, version):
    """The page of a command, by the words it is called with."""
    title = "-".join(words)
    lines = [f'.TH "{escaped(title.upper())}" 1 "" "lowrank {escaped(version)}"', ".SH NAME",
             f"{escaped(title)} \\- {escaped(command.get('abstract', '').rstrip('.'))}", ".SH SYNOPSIS",
             synopsis(words, command)]
    if command.get("discussion"):
        lines += [".SH DESCRIPTION", *escaped(command["discussion"]).replace("\n\n", "\n.PP\n").split("\n")]
    if command.get("subcommands"):
        lines.append(".SH COMMANDS")
        for inner in command["subcommands"]:
            lines += [".TP", f"\\fB{escaped('-'.join([*words, inner['commandName']]))}\\fR(1)",
                      escaped(inner.get("abstract", ""))]
    shown = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)]
    if shown:
        lines.append(".SH OPTIONS")
        for argument in shown:
            lines += [".TP", names(argument), described(argument)]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)) + "\n"


def write(folder, words, command, version):
    (folder / f"{'-'.join(words)}.1").write_text(page(words, command, version), encoding="utf-8")
    for inner in command.get("subcommands", []):
        if inner["commandName"] != "help":
            write(folder, [*words, inner["commandName"]], inner, version)


def main():
    folder, version = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    command = json.load(sys.stdin)["command"]
    write(folder, [command["commandName"]], command, version)


if __name__ == "__main__":
    main()
