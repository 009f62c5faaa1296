using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace SpectralKD.Cli;

/// <summary>Words that are read while the command line is: what a reader refuses is a usage error, as a missing option is.</summary>
internal static class TypedWords
{
    /// <summary>Reads each value of an option as it is typed.</summary>
    /// <param name="option">The option.</param>
    /// <param name="read">Throws a <see cref="SpectralKDException"/> for what it does not take.</param>
    public static Option<T> ReadBy<T>(this Option<T> option, Action<string> read)
    {
        option.Validators.Add(given => Read(given, read));
        return option;
    }

    /// <inheritdoc cref="ReadBy{T}(Option{T}, Action{string})"/>
    public static Argument<T> ReadBy<T>(this Argument<T> argument, Action<string> read)
    {
        argument.Validators.Add(given => Read(given, read));
        return argument;
    }

    /// <summary>A number of things, at least one.</summary>
    public static Option<T> AtLeastOne<T>(this Option<T> option) => option.ReadBy(text =>
    {
        if (int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number < 1)
        {
            throw new SpectralKDException($"{option.Name} must be at least 1, but is {number}");
        }
    });

    /// <summary>Looks at a whole command once each of its words is right.</summary>
    /// <param name="command">The command.</param>
    /// <param name="read">Throws a <see cref="SpectralKDException"/> for what it does not take.</param>
    public static void ReadBy(this Command command, Action<CommandResult> read) => command.Validators.Add(given =>
    {
        try
        {
            read(given);
        }
        catch (SpectralKDException error)
        {
            given.AddError(error.Message);
        }
        catch (InvalidOperationException)
        {
            // A word of another type, which is an error already.
        }
    });

    private static void Read(SymbolResult given, Action<string> read)
    {
        try
        {
            given.Tokens.ToList().ForEach(token => read(token.Value));
        }
        catch (SpectralKDException error)
        {
            given.AddError(error.Message);
        }
    }
}

/// <summary>What was typed wrong, in one line that names what was probably meant.</summary>
internal static class UsageError
{
    /// <summary>What the program returns then, as shells' own commands do.</summary>
    public const int ExitCode = 2;

    /// <summary>The line; null where nothing is wrong.</summary>
    /// <param name="parsed">A command line.</param>
    public static string? Words(ParseResult parsed)
    {
        // What looks like an option is no name of a model or a file.
        var swallowed = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal));
        if (parsed.Action is not ParseErrorAction && swallowed is null)
        {
            return null;
        }

        var command = parsed.CommandResult.Command;
        var path = Path(parsed.CommandResult);
        var words = swallowed is not null ? Unmatched(swallowed.Value, command, path)
            : parsed.UnmatchedTokens.Count > 0 ? Unmatched(parsed.UnmatchedTokens[0], command, path)
            : Missing(parsed) is { Length: > 0 } missing ? missing
            : command.Subcommands.Count > 0 && command.Action is null && parsed.Errors.All(error => error.SymbolResult is CommandResult) ? $"{path} needs a command: {List(Names(command), "or")}"
            : Wrong(parsed.Errors.FirstOrDefault(error => error.SymbolResult is not CommandResult) ?? parsed.Errors[0]);
        return $"{PlainText.OneLine(words)}; see {path} --help";
    }

    private static string Unmatched(string token, Command command, string path) =>
        token.StartsWith('-') ? $"{path} has no option {token}{NearestName.Suggestion(token.Split('=', ':')[0], Options(command))}"
        : command.Subcommands.Count > 0 && command.Arguments.Count == 0 ? $"{path} has no command {token}{NearestName.Suggestion(token, Names(command))}"
        : $"{path} takes no further argument, but finds \"{token}\"";

    private static string Missing(ParseResult parsed)
    {
        var options = parsed.CommandResult.Command.Options.Where(option => option.Required && parsed.GetResult(option) is null or { IdentifierToken: null }).Select(option => option.Name);
        var arguments = parsed.CommandResult.Command.Arguments
            .Where(argument => argument.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(argument) is null or { Tokens.Count: 0 }).Select(argument => argument.HelpName ?? argument.Name);
        var missing = arguments.Concat(options).ToList();
        return missing.Count == 0 || parsed.Errors.Any(error => error.SymbolResult is OptionResult { Tokens.Count: > 0 }) ? ""
            : $"{List(missing, "and")} {(missing.Count == 1 ? "is" : "are")} missing";
    }

    private static string Wrong(ParseError error)
    {
        if (error.SymbolResult is not (OptionResult or ArgumentResult) || error.SymbolResult.Tokens.Count == 0)
        {
            return error.SymbolResult is OptionResult { IdentifierToken: { } token, Tokens.Count: 0 } && error.Message.StartsWith("Required argument missing", StringComparison.Ordinal) ? $"{token.Value} needs a value" : error.Message.TrimEnd('.');
        }

        var (name, type, symbol) = error.SymbolResult switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType, (Symbol)option.Option),
            var argument => (((ArgumentResult)argument).Argument.Name, ((ArgumentResult)argument).Argument.ValueType, ((ArgumentResult)argument).Argument),
        };
        if (error.SymbolResult.Parent is OptionResult parent)
        {
            (name, type, symbol) = (parent.Option.Name, parent.Option.ValueType, parent.Option);
        }

        type = Nullable.GetUnderlyingType(type) ?? type;
        var typed = error.SymbolResult.Tokens[^1].Value;
        var choices = type.IsEnum || error.Message.Contains("Must be one of", StringComparison.Ordinal)
            ? symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label).ToList() : [];
        return choices.Count > 0 ? $"{name} takes {List(choices, "or")}; found \"{typed}\"{NearestName.Suggestion(typed, choices)}"
            : !error.Message.Contains("expected type", StringComparison.Ordinal) ? error.Message.TrimEnd('.')
            : $"{name} takes {(type == typeof(int) ? "a whole number" : type == typeof(double) ? "a number" : type == typeof(bool) ? "true or false" : "another kind of value")}; found \"{typed}\"";
    }

    private static string Path(CommandResult command) => command.Parent is CommandResult parent ? $"{Path(parent)} {command.Command.Name}" : "spectralkd";

    private static IEnumerable<string> Names(Command command) => command.Subcommands.Where(sub => !sub.Hidden).Select(sub => sub.Name);

    private static IEnumerable<string> Options(Command command) => command.Options.SelectMany(option => option.Aliases.Prepend(option.Name)).Append("--help");

    private static string List(IEnumerable<string> words, string last) => words.ToList() is [.. var first, var end] && first.Count > 0 ? $"{string.Join(", ", first)} {last} {end}" : words.First();
}
