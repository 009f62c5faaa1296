using System.Text;

namespace SpectralKD.Notebook.Session;

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
