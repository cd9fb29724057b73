using System.CommandLine;
using System.CommandLine.Parsing;

namespace Schane.Cli;

/// <summary>Turns what the parser could not place into one sentence with the nearest names.</summary>
internal static class WrongUse
{
    /// <exception cref="SchaneException">The command line breaks a rule.</exception>
    public static void Check(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = HelpText.Path(command);
        var words = parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash).Where(t => t.Type == TokenType.Argument);
        if (words.Select(t => t.Value).FirstOrDefault(LooksLikeFlag) is { } flag)
            throw new SchaneException($"{path} has no flag '{flag.Split('=')[0]}'{Nearest.Hint(flag.Split('=')[0], FlagsOf(command))}; " +
                $"`{path} --help` lists its flags.");
        if (parsed.UnmatchedTokens is [var word, ..])
            throw new SchaneException(command.Subcommands.Count > 0
                ? $"{path} has no verb '{word}'{Nearest.Hint(word, command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))}; " +
                    $"`{path} --help` lists its verbs."
                : $"{path} has no place for '{word}'; `{path} --help` shows its use.");
        // What the verb is about is asked for before its flags.
        if (command is Verb && (parsed.Errors.FirstOrDefault(e => e.SymbolResult is ArgumentResult { Parent: CommandResult })
            ?? (parsed.Errors is [var first, ..] ? first : null)) is { } error)
            throw new SchaneException(Sentence(error.SymbolResult, error.Message, path));
    }

    // A negative number is a value, and so is a lone dash.
    private static bool LooksLikeFlag(string word) =>
        word.StartsWith("--", StringComparison.Ordinal) || (word.Length > 1 && word[0] == '-' && char.IsAsciiLetter(word[1]));

    private static IEnumerable<string> FlagsOf(Command command)
    {
        for (var at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
            foreach (var option in at.Options)
                if (at == command || option.Recursive)
                    yield return option.Name;
    }

    private static string Sentence(SymbolResult? at, string message, string path) => at switch
    {
        ArgumentResult { Parent: OptionResult flag } => Sentence(flag, message, path),
        OptionResult { IdentifierToken: null } flag =>
            $"{path} needs {flag.Option.Name}{(flag.Option.HelpName is { } name ? $" {name}" : "")}; `{path} --help` shows its use.",
        OptionResult { Tokens: [] } flag =>
            $"{flag.Option.Name} needs a value{(flag.Option.HelpName is { } name ? $": {flag.Option.Name} {name}" : "")}.",
        OptionResult { Tokens: [_, _, ..] } flag => $"{flag.Option.Name} stands more than once; keep one.",
        OptionResult flag => $"{flag.Option.Name} must be {Expected(flag.Option.ValueType)} but is '{flag.Tokens[0].Value}'.",
        ArgumentResult { Tokens: [] } argument =>
            $"{path} needs {argument.Argument.HelpName ?? argument.Argument.Name}; `{path} --help` shows its use.",
        _ => message,
    };

    private static string Expected(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(int) ? "a whole number"
        : type == typeof(bool) ? "true or false" : "a number";
}
