using SpectralKD.Native;

namespace SpectralKD.Interactive.Magic;

/// <summary>What extension.dib needs to run the command table in .NET Interactive, so that the script itself stays short.</summary>
public static class DirectiveBinding
{
    /// <summary>Runs a command whose parameters .NET Interactive has bound.</summary>
    /// <param name="command">Name of the command, for example <c>#!spectral-model</c>.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cell">Text of the cell that the command stands in, or null.</param>
    /// <param name="fail">Called with a one-line message where the command failed or was stopped.</param>
    /// <param name="cancellationToken">Stops the command.</param>
    /// <param name="values">Parameter names with what was bound to them: null, true or false for flags, or a value whose text counts.</param>
    public static async Task RunAsync(
        string command, INotebookHost host, string? cell, Action<string> fail, CancellationToken cancellationToken, params (string Name, object? Value)[] values)
    {
        try
        {
            var found = MagicCommandTable.Find(command);
            var words = Words(values);
            foreach (var (name, texts) in MagicLine.Variables(found, cell ?? ""))
            {
                words[name] = texts;
            }

            await found.ExecuteAsync(words, host, cancellationToken);
        }
        catch (SpectralKDException e)
        {
            fail(e.Message);
        }
        catch (OperationCanceledException)
        {
            fail($"{command} was stopped");
        }
        catch (TypeInitializationException e) when (e.TypeName.StartsWith("TorchSharp", StringComparison.Ordinal))
        {
            fail($"torch was used before libtorch was there, and this session cannot try again: restart the kernel, and {LibTorchLocator.Remedy}");
        }
    }

    /// <summary>The values that completion offers for a parameter; empty where they cannot be listed.</summary>
    /// <param name="command">Name of the command.</param>
    /// <param name="parameter">Name of the parameter, for example <c>--weights</c>.</param>
    /// <param name="host">The notebook, for its variables; null where it is not known.</param>
    public static IEnumerable<string> Completions(string command, string parameter, INotebookHost? host = null) =>
        MagicCompletion.Values(MagicCommandTable.Find(command).Parameters.First(p => p.Name == parameter), host);

    private static Dictionary<string, IReadOnlyList<string>> Words((string Name, object? Value)[] values) => values
        .Where(v => v.Value is not (null or false))
        .ToDictionary(v => v.Name, v => (IReadOnlyList<string>)(v.Value is true ? [] : [v.Value!.ToString() ?? ""]));
}
