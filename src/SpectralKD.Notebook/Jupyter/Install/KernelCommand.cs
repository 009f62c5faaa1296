using System.Reflection;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter.Install;

/// <summary>How Jupyter starts this very program as a kernel.</summary>
internal static class KernelCommand
{
    /// <summary>Program, its assembly where it runs by <c>dotnet</c>, <c>jupyter start {connection_file}</c>, and more.</summary>
    public static IReadOnlyList<string> OfThisProgram(params IEnumerable<string> more)
    {
        var program = Environment.ProcessPath ?? throw new SpectralKDException("cannot tell which program this is; name the command");
        var isDotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        string[] start = isDotnet ? [program, Assembly.GetEntryAssembly()!.Location] : [program];
        return [.. start, "jupyter", "start", "{connection_file}", .. more];
    }

    /// <summary>The .NET that runs now: Jupyter's own environment need not name it.</summary>
    public static JsonObject Variables()
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        return Directory.Exists(Path.Combine(root, "host")) ? new JsonObject { ["DOTNET_ROOT"] = root } : [];
    }
}
