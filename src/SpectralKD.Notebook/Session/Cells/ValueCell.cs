using System.Text;
using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary><c>#!value --name x</c>: the text below it, of a file or of an address becomes a variable, as in .NET Interactive.</summary>
internal static class ValueCell
{
    /// <summary>The line's name.</summary>
    public const string Word = "#!value";

    /// <summary>What it does.</summary>
    public const string Description = "puts the text below it into a variable: #!value --name x, or --from-file data.csv, --from-url https://…, --from-value y";

    private const string FromFile = "--from-file";
    private const string FromUrl = "--from-url";
    private const string FromValue = "--from-value";

    private static readonly HttpClient s_http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
    {
        DefaultRequestHeaders = { { "User-Agent", "SpectralKD.Interactive" } },
    };

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The options that say where the text is, where it does not stand below the line.</summary>
    public static IReadOnlyList<string> Sources { get; } = [FromFile, FromUrl, FromValue];

    /// <summary>What it takes.</summary>
    public static IReadOnlyList<string> Options { get; } = ["--name", "--mime-type", .. Sources];

    /// <summary>Sets the variable; with a MIME type the text is shown too.</summary>
    /// <exception cref="SpectralKDException">There is no such text, or there are two.</exception>
    public static async Task<object?> RunAsync(CellPart part, CellProgram program)
    {
        var options = new CommandOptions(Word, part.Options, program, Options);
        if (options.Text("--name") is not { Length: > 0 } name)
        {
            throw new SpectralKDException($"{Word} needs --name: {Word} --name x and the text below it; found \"{part.Options}\"");
        }

        var text = part.Text.Trim();
        var value = await ReadAsync(options, name, text, program).ConfigureAwait(false);
        await program.Session.Variables.SetAsync(name, value, value.GetType(), program.Run).ConfigureAwait(false);
        return options.Text("--mime-type") is { } mimeType ? MimeBundles.Raw(value.ToString()!, mimeType) : null;
    }

    private static async Task<object> ReadAsync(CommandOptions options, string name, string text, CellProgram program)
    {
        (string Option, object? Given)[] sources = [.. Sources.Select(option => (option, options.ValueOf(option, name)))];
        return (sources.Where(source => source.Given is not null).ToArray(), text.Length) switch
        {
            ([], _) => text,
            ([var (first, _), var (second, _), ..], _) => throw new SpectralKDException($"{Word} takes one of {first} and {second}"),
            ([var (option, _)], > 0) => throw new SpectralKDException($"{Word} takes {option} or a text below it, not both: leave one out, or go on with #!csharp"),
            ([(FromFile, var file)], _) => ReadFile(Clear(file!), program),
            ([(FromUrl, var address)], _) => await ReadAddressAsync(Clear(address!), program.Token).ConfigureAwait(false),
            ([var (_, given)], _) => given!,
        };
    }

    /// <summary>What is really meant; errors mask it again.</summary>
    private static string Clear(object given) => given is PasswordString password ? password.GetClearTextPassword() : given.ToString()!;

    private static string ReadFile(string file, CellProgram program)
    {
        try
        {
            using var reader = new StreamReader(program.FullPath(file), s_strict);
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"{Word} {FromFile} {file}: the file cannot be read: {error.Message}", error);
        }
        catch (DecoderFallbackException error)
        {
            throw new SpectralKDException($"{Word} {FromFile} {file}: the file is no text in UTF-8; read it in C#: File.ReadAllBytes(\"{file}\")", error);
        }
    }

    private static async Task<string> ReadAddressAsync(string address, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new SpectralKDException($"{Word} {FromUrl} {address}: an address begins with https:// or http://");
        }

        try
        {
            return await s_http.GetStringAsync(uri, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or InvalidOperationException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new SpectralKDException($"{Word} {FromUrl} {address}: nothing could be read there: {error.Message}", error);
        }
    }
}
