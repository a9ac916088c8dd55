# What `lockstep WORDS --help` says can come next, for the completion of shells; "path" has the words.
# A line each: "command NAME", "option NAME [VALUE]" (a word in capitals, or what is to be chosen from,
# with "|" between), or "operand" where others can follow.
function options_of(text, count, i, word) {
    gsub(/\[=/, " =", text)
    gsub(/\|-/, " -", text)
    gsub(/[][()]/, " & ", text)
    count = split(text, word, " ")
    for (i = 1; i <= count; i++) {
        if (word[i] ~ /^=/)
            print "option", word[i - 1] word[i]
        else if (word[i] ~ /^--?[a-z]/)
            print "option", word[i], word[i + 1] ~ /^([A-Z]|[a-z]+\|)/ ? word[i + 1] : ""
    }
}
function is_of(part, name, count, i, choice) {
    count = split(part, choice, "|")
    for (i = 1; i <= count; i++)
        if (choice[i] == name)
            return 1
    return 0
}
# One way to call it: its words are compared with the path, and what comes after that is told.
function call(text, count, i, word, rest, choice) {
    sub(/;.*/, "", text)
    gsub(/ \| /, "|", text)
    count = split(text, word, " ")
    for (i = 1; i <= depth; i++)
        if (!is_of(word[i + 1], wanted[i]))
            return
    rest = word[depth + 2]
    if (rest == "COMMAND") {
        commands = 1
    } else if (rest ~ /^[a-z]/) {
        count = split(rest, choice, "|")
        for (i = 1; i <= count; i++)
            print "command", choice[i]
    } else {
        leaf = 1
        for (i = 1; i <= depth + 1; i++)
            sub(/^[^ ]+ */, "", text)
        options_of(text)
        while (gsub(/\[[^][]*-[^][]*\]/, "", text)) continue
        if (text ~ /[A-Z]/)
            print "operand"
    }
}
BEGIN { depth = split(path, wanted, " "); in_usage = 1 }
in_usage && /^(usage: |       )/ {
    line = substr($0, 8)
    if (line ~ /^lockstep / && synopsis != "") {
        call(synopsis)
        synopsis = ""
    }
    sub(/^ +/, "", line)
    synopsis = synopsis (synopsis == "" ? "" : " ") line
    next
}
in_usage { call(synopsis); in_usage = 0 }
leaf && /^the others with / { sub(/^the others with /, ""); gsub(/ \| /, "|"); options_of($0) }
commands && /^  [a-z]/ { print "command", $1 }
leaf && /^  -/ { $0 = substr($0, 3); sub(/  .*/, ""); gsub(/ \| /, "|"); options_of($0) }
END { if (in_usage) call(synopsis); print "option --help" }
