using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary>Runs one cell, part by part.</summary>
internal sealed class CellProgram(CSharpSession session, CellExecution run, string folder)
{
    private const int DeepestNesting = 32;
    private static readonly object Null = new();
    private readonly List<Action> _atEnd = [];
    private int _depth;

    /// <summary>The session it belongs to.</summary>
    public CSharpSession Session => session;

    /// <summary>The run of the cell.</summary>
    public CellExecution Run => run;

    /// <summary>Fires on interrupt.</summary>
    public CancellationToken Token => run.Token;

    /// <summary>Runs a cell's source.</summary>
    /// <param name="code">C# and magic lines.</param>
    /// <param name="name">What errors call it: <c>cell [3]</c> or a file.</param>
    public async Task RunAsync(string code, string name)
    {
        try
        {
            var parts = PackageParts.Gather(CellText.Split(code)).ToArray();
            for (var i = 0; i < parts.Length; i++)
            {
                var value = await RunPartAsync(parts[i], name).ConfigureAwait(false);
                await ShowAsync(value, isLast: i == parts.Length - 1 && _depth == 0).ConfigureAwait(false);
            }
        }
        finally
        {
            _atEnd.ForEach(action => action());
        }
    }

    /// <summary>Runs a script as if it stood in the cell.</summary>
    /// <exception cref="SpectralKDException">It cannot be read.</exception>
    public Task RunFileAsync(string file)
    {
        var path = FullPath(file);
        try
        {
            return RunNestedAsync(File.ReadAllText(path), path, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"{file} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Runs the text of a file; paths in it start from its folder.</summary>
    public Task RunNestedAsync(string code, string name, string path)
    {
        if (_depth >= DeepestNesting)
        {
            throw new SpectralKDException($"{name} loads itself, or files load each other {DeepestNesting} deep: break the circle");
        }

        return new CellProgram(session, run, Path.GetDirectoryName(path)!) { _depth = _depth + 1 }.RunAsync(code, name);
    }

    /// <summary>Says that something is passed over because it needs another kernel.</summary>
    /// <exception cref="SpectralKDException">The session does not pass over such things.</exception>
    public Task<object?> PassOver(string what, SpectralKDException refusal)
    {
        if (!session.Options.SkipUnknown)
        {
            throw refusal;
        }

        run.Output.Stream("stderr", CellLanguages.Skipped(what));
        return Task.FromResult<object?>(null);
    }

    /// <summary>A path as the cell means it.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, folder);

    /// <summary>Shows something below the cell.</summary>
    public DisplayedValue Display(object value) => DisplayedValue.Show(run, MimeBundles.From(value));

    /// <summary>Remembers what to do when the cell has ended, however it ends.</summary>
    public void AtEnd(Action action) => _atEnd.Add(action);

    private Task<object?> RunPartAsync(CellPart part, string name) => part.Language switch
    {
        null => RunMagicAsync(part.Text),
        _ when part.Language == Languages.Values || (part.Options.Length > 0 && CellLanguages.Runs(part.Language)) =>
            RunMagicAsync($"#!{part.Language} {part.Options}", part.Text),
        Languages.CSharp => RunCodeAsync(part.Text, name),
        "html" => Task.FromResult<object?>(MimeBundles.Raw(part.Text, "text/html")),
        "markdown" => Task.FromResult<object?>(MimeBundles.Raw(part.Text, "text/markdown")),
        "javascript" => Task.FromResult<object?>(MimeBundles.Raw($"<script type=\"text/javascript\">{part.Text}</script>", "text/html")),
        "mermaid" => Task.FromResult<object?>(MermaidDiagram.From(part.Text)),
        var shell when Languages.IsShell(shell) => ShellCell.RunAsync(shell, part.Text, name, this),
        var other => PassOver(other, CellLanguages.NotHere(other)),
    };

    private async Task<object?> RunCodeAsync(string code, string name)
    {
        run.ThrowIfInterrupted();
        run.Manners = InterruptMode.Code(session.Options);
        var compiled = session.Compiler.Compile(code, name, run.Token);
        foreach (var advice in compiled.Advice.Where(line => session.Advised.Add((line, code))))
        {
            run.Output.Stream("stderr", advice + "\n");
        }

        var value = await session.SubmissionChain.RunAsync(compiled, run).ConfigureAwait(false);
        return value ?? (compiled.GivesValue ? Null : null);
    }

    /// <summary>Runs a magic line.</summary>
    public async Task<object?> RunMagicAsync(string line, string below = "")
    {
        if (SessionCommands.Connection(line) is var (what, refusal))
        {
            return await PassOver(what, refusal).ConfigureAwait(false);
        }

        if (line.StartsWith("#!/", StringComparison.Ordinal))
        {
            throw ShellCell.NoInterpreterHere(line);
        }

        run.ThrowIfInterrupted();
        var host = new SessionHost(session, this, below);
        var call = MagicLine.Parse(line, host.Commands);
        if (session.Options.SkipUnknown && SessionCommands.OfOtherKernel(call) is { } elsewhere)
        {
            run.Output.Stream("stderr", CellLanguages.Skipped($"{call.Command.Name} {elsewhere}"));
            return null;
        }

        if (!MagicCommandTable.All.Contains(call.Command))
        {
            await call.ExecuteAsync(host, run.Token).ConfigureAwait(false);
            return null;
        }

        run.Manners = InterruptMode.Command(session.Options);
        return await run.RunAsync(async () =>
        {
            await call.ExecuteAsync(host, run.Token).ConfigureAwait(false);
            return (object?)null;
        }).ConfigureAwait(false);
    }

    private async Task ShowAsync(object? value, bool isLast)
    {
        // A handle shows what was displayed already.
        if (value is null or DisplayedValue)
        {
            return;
        }

        // The user's own ToString, getters and queries run in there, and can be interrupted as the cell can.
        var bundle = await run.RunAsync(() => Task.FromResult(MimeBundles.From(value == Null ? null : value))).ConfigureAwait(false);
        if (isLast && value is not MimeBundle)
        {
            run.Output.ExecuteResult(bundle);
        }
        else
        {
            DisplayedValue.Show(run, bundle);
        }
    }
}

/// <summary>
/// <c>@input</c> and <c>@password</c> in place of a value on a magic line, as in .NET Interactive: the reader of the notebook is asked for it. The cell's errors
/// will not show what is answered to <c>@password</c>.
/// </summary>
internal static partial class InputTokens
{
    /// <summary>The kind of a question whose answer nothing shows.</summary>
    public const string Password = "password";

    /// <summary>The answer to a token, a <see cref="PasswordString"/> for a password; null for a text that is no token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="variable">The variable that it is for.</param>
    /// <exception cref="SpectralKDException">Nobody can answer.</exception>
    public static object? Answer(string text, string variable)
        => Whole(text) is not { } token ? null : token.Groups["kind"].Value == Password ? new PasswordString(Ask(token, variable)) : Ask(token, variable);

    /// <summary><c>input</c> or <c>password</c>; null for a text that is no token.</summary>
    public static string? KindOf(string text) => Whole(text)?.Groups["kind"].Value;

    private static Match? Whole(string text) => Token().Match(text) is { Success: true } token ? token : null;

    private static string Ask(Match token, string variable)
        => CellConsole.Ask(PromptOf(token), password: token.Groups["kind"].Value == Password, variable) ?? "";

    private static string PromptOf(Match token)
    {
        if (token.Groups["json"] is not { Success: true, Value: var json })
        {
            return token.Groups["prompt"].Value;
        }

        try
        {
            using var options = JsonDocument.Parse(json);
            return options.RootElement.TryGetProperty("prompt", out var prompt) ? prompt.ToString() : "";
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"the options of {token.Value} are no JSON: {error.Message}", error);
        }
    }

    [GeneratedRegex("""^@(?<kind>input|password)(?::(?:"(?<prompt>[^"]*)"|(?<json>\{[^}]*\})|(?<prompt>\S+)))?$""")]
    private static partial Regex Token();
}

/// <summary>Which of the languages run here, and what is said of the others.</summary>
internal static class CellLanguages
{
    /// <summary>The lines that say in which language the text below them is.</summary>
    public static IReadOnlyList<MagicCommand> Lines { get; } =
    [
        .. ((string[])[Languages.CSharp, "html", "markdown", "javascript"]).Select(language => new LanguageLine(language, $"what follows is {language}")),
        new LanguageLine("mermaid", "what follows is a diagram in Mermaid's language"), new ValueCommand(),
        .. ((string[])["bash", "sh", "zsh", "shell", "pwsh", "cmd"]).Select(shell => new LanguageLine(shell, $"what follows is for the installed {shell}; each cell starts a new one")),
    ];

    /// <summary>True for a language that runs here.</summary>
    public static bool Runs(string language) => language is Languages.CSharp or "html" or "markdown" or "javascript" or "mermaid" or Languages.Values || Languages.IsShell(language);

    /// <summary>The languages of a cell's parts that do not run here.</summary>
    public static IEnumerable<string> ForeignIn(string code)
        => CellText.Split(code).Select(part => part.Language).OfType<string>().Where(language => !Runs(language)).Distinct();

    /// <summary>What is thrown for a language that does not run here.</summary>
    public static SpectralKDException NotHere(string language) => new(
        $"this notebook host runs C#, and no {language}: write the cell in C#, open the notebook in a host that has {language}, or pass over such cells with --skip-unknown");

    /// <summary>What is said of a part that is passed over.</summary>
    public static string Skipped(string language) => $"skipped: {language} does not run in this notebook host\n";
}

/// <summary>A line that stands above a text in a language; the cell runs the text.</summary>
internal sealed class LanguageLine(string language, string description) : SessionCommand<NoArguments>
{
    public override string Name => "#!" + language;

    public override string Description => description;

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host) => Task.CompletedTask;
}
