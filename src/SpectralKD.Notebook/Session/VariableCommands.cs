using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary><c>#!who</c>: the variables' names.</summary>
internal sealed class WhoCommand : SessionCommand<NoArguments>
{
    public override string Name => "#!who";

    public override string Description => "lists the variables' names";

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host)
    {
        var names = host.Program.Session.Variables.All.Select(variable => variable.Name).Order(StringComparer.Ordinal);
        host.Program.Run.Write(string.Join(Environment.NewLine, names) + Environment.NewLine);
        return Task.CompletedTask;
    }
}

/// <summary><c>#!whos</c>: the variables with type and value.</summary>
internal sealed class WhosCommand : SessionCommand<NoArguments>
{
    private const int LongestValue = 120;

    public override string Name => "#!whos";

    public override string Description => "lists the variables with their types and values";

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host)
    {
        var table = new TextTable("Variable", "Type", "Value");
        foreach (var variable in host.Program.Session.Variables.All.OrderBy(variable => variable.Name, StringComparer.Ordinal))
        {
            table.Add(variable.Name, TypeNames.Short(variable.Type), ValueOf(variable));
        }

        host.Program.Display(new MimeBundle(new Dictionary<string, JsonNode>
        {
            ["text/html"] = JsonValue.Create(table.ToHtml()),
            ["text/plain"] = JsonValue.Create(table.ToPlainText()),
        }));
        return Task.CompletedTask;
    }

    private static string ValueOf(SessionVariable variable)
    {
        try
        {
            var text = MimeBundles.From(variable.Value, "text/plain").Data["text/plain"].GetValue<string>().ReplaceLineEndings(" ");
            return text.Length > LongestValue ? text[..LongestValue] + "…" : text;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return $"({error.GetType().Name})";
        }
    }
}

/// <summary>Parameters of <c>#!set</c>.</summary>
internal sealed class SetArguments
{
    [MagicParameter("the variable's name", Required = true)]
    public string Name { get; set; } = "";

    [MagicParameter("its value: a text, @variable, @input:\"Question?\" or @password:\"Question?\"", Required = true, Rest = true, Becomes = "--name")]
    public object Value { get; set; } = "";

    [MagicParameter("taken from .NET Interactive, without effect here")]
    public string? MimeType { get; set; }

    [MagicParameter("taken from .NET Interactive, without effect here: a variable of C# is never a copy")]
    public bool Byref { get; set; }
}

/// <summary><c>#!set --name x --value y</c>: a variable from a magic line, as in .NET Interactive.</summary>
internal sealed class SetCommand : SessionCommand<SetArguments>
{
    /// <summary>The command's name.</summary>
    public const string Word = "#!set";

    public override string Name => Word;

    public override string Description => "sets a variable";

    public override string Example => "#!set --name who --value @input:\"Who are you?\"";

    protected override Task RunAsync(SetArguments arguments, SessionHost host)
        => host.SetVariableAsync(arguments.Name, arguments.Value, arguments.Value.GetType());
}

/// <summary>Parameters of <c>#!share</c>.</summary>
internal sealed class ShareArguments
{
    [MagicParameter("the variable", Implicit = true, Required = true, Value = MagicValue.AnyVariable)]
    public string Name { get; set; } = "";

    [MagicParameter("the kernel that has it: csharp, or value for those of #!value", Required = true)]
    public string From { get; set; } = "";

    [MagicParameter("its name here (the same)")]
    public string? As { get; set; }

    [MagicParameter("taken from .NET Interactive, without effect here")]
    public string? MimeType { get; set; }
}

/// <summary><c>#!share</c>: .NET Interactive's way between its languages; here all variables are C#'s, those of <c>#!value</c> too.</summary>
internal sealed class ShareCommand : SessionCommand<ShareArguments>
{
    /// <summary>The command's name.</summary>
    public const string Word = "#!share";

    public override string Name => Word;

    public override string Description => "shares variables between languages: all cells of C# see all variables, a cell of a shell gets them";

    public override string Example => "#!share --from csharp x";

    /// <summary>The variable that a line names.</summary>
    /// <exception cref="SpectralKDException">There is none, or it is another kernel's.</exception>
    public static object? Shared(ShareArguments arguments, SessionHost host)
        => Refusal(arguments) is { } refusal ? throw refusal
            : host.TryGetVariable(arguments.Name, out var value) ? value
            : throw new SpectralKDException($"there is no variable {arguments.Name}{NearestName.Suggestion(arguments.Name, host.Variables.Select(variable => variable.Name))}: "
                + $"set it by #!value --name {arguments.Name}, or leave out {Line(arguments)}");

    protected override async Task RunAsync(ShareArguments arguments, SessionHost host)
    {
        if (Refusal(arguments) is { } refusal)
        {
            await host.Program.PassOver(Line(arguments), refusal).ConfigureAwait(false);
        }
        else if ((arguments.As is not null || arguments.From != Languages.CSharp) && Shared(arguments, host) is { } value && arguments.As is { } other)
        {
            await host.SetVariableAsync(other, value, value.GetType()).ConfigureAwait(false);
        }
    }

    private static string Line(ShareArguments arguments) => $"#!share --from {arguments.From} {arguments.Name}";

    private static SpectralKDException? Refusal(ShareArguments arguments) => arguments.From is Languages.CSharp or Languages.Values ? null : new SpectralKDException(
        $"this notebook host has one kernel, csharp, whose cells see all variables: leave out {Line(arguments)}, or open the notebook in a host that has the other language");
}

/// <summary>Parameters of <c>#!value</c>.</summary>
internal sealed class ValueArguments
{
    [MagicParameter("the variable's name", Required = true)]
    public string Name { get; set; } = "";

    [MagicParameter("file with the text, in UTF-8", Rest = true, Becomes = "--name", Value = MagicValue.NotebookPath)]
    public string? FromFile { get; set; }

    [MagicParameter("address of the text", Rest = true, Becomes = "--name")]
    public string? FromUrl { get; set; }

    [MagicParameter("a text, @variable, @input:\"Question?\" or @password:\"Question?\"", Rest = true, Becomes = "--name")]
    public object? FromValue { get; set; }

    [MagicParameter("shows the text too, as this type: text/markdown")]
    public string? MimeType { get; set; }
}

/// <summary><c>#!value --name x</c>: the text below it, of a file or of an address becomes a variable, as in .NET Interactive.</summary>
internal sealed class ValueCommand : SessionCommand<ValueArguments>
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
    {
        DefaultRequestHeaders = { { "User-Agent", "SpectralKD.Interactive" } },
    };

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public override string Name => "#!value";

    public override string Description => "puts the text below it into a variable, or that of a file or of an address";

    public override string Example => "#!value --name table --from-file data.csv";

    protected override async Task RunAsync(ValueArguments arguments, SessionHost host)
    {
        var value = await ReadAsync(arguments, host).ConfigureAwait(false);
        await host.SetVariableAsync(arguments.Name, value, value.GetType()).ConfigureAwait(false);
        if (arguments.MimeType is { } mimeType)
        {
            host.Program.Display(MimeBundles.Raw(value.ToString()!, mimeType));
        }
    }

    private static async Task<object> ReadAsync(ValueArguments arguments, SessionHost host)
    {
        var text = host.Below.Trim();
        (string Option, object? Given)[] sources = [("--from-file", arguments.FromFile), ("--from-url", arguments.FromUrl), ("--from-value", arguments.FromValue)];
        return (sources.Where(source => source.Given is not null).Select(source => source.Option).ToArray(), text.Length) switch
        {
            ([], _) => text,
            ([var first, var second, ..], _) => throw new SpectralKDException($"#!value takes one of {first} and {second}"),
            ([var option], > 0) => throw new SpectralKDException($"#!value takes {option} or a text below it, not both: leave one out, or go on with #!csharp"),
            _ => arguments.FromFile is { } file ? ReadFile(file, host.Program)
                : arguments.FromUrl is { } address ? await ReadAddressAsync(address, host.Program.Token).ConfigureAwait(false)
                : arguments.FromValue!,
        };
    }

    private static string ReadFile(string file, CellProgram program)
    {
        try
        {
            using var reader = new StreamReader(program.FullPath(file), Strict);
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"#!value --from-file {file}: the file cannot be read: {error.Message}", error);
        }
        catch (DecoderFallbackException error)
        {
            throw new SpectralKDException($"#!value --from-file {file}: the file is no text in UTF-8; read it in C#: File.ReadAllBytes(\"{file}\")", error);
        }
    }

    private static async Task<string> ReadAddressAsync(string address, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new SpectralKDException($"#!value --from-url {address}: an address begins with https:// or http://");
        }

        try
        {
            return await Http.GetStringAsync(uri, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or InvalidOperationException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new SpectralKDException($"#!value --from-url {address}: nothing could be read there: {error.Message}", error);
        }
    }
}
