using System.Collections.Immutable;
using Microsoft.CodeAnalysis.CSharp;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>The namespaces that every cell sees.</summary>
internal static class Imports
{
    /// <summary>Those of .NET Interactive, ours for its <c>display</c> and <c>Display</c>, and the product's.</summary>
    private static readonly string[] s_usual =
    [
        "System", "System.Text", "System.IO", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq",
        "Microsoft.DotNet.Interactive", "Microsoft.DotNet.Interactive.Formatting", "Microsoft.AspNetCore.Html",
        "SpectralKD.Notebook.Session.Scripting",
        "SpectralKD", "SpectralKD.Models", "SpectralKD.Data", "SpectralKD.Spectra", "SpectralKD.Distillation",
        "SpectralKD.Weights", "SpectralKD.Interactive", "SpectralKD.Interactive.Charting", "TorchSharp", "Plotly.NET", "Microsoft.Data.Analysis",
    ];

    private static readonly string[] s_static =
    [
        "Microsoft.DotNet.Interactive.Kernel",
    ];

    /// <summary>The <c>using</c> lines of the session's first submission: those of the namespaces that exist.</summary>
    public static string AsSource(CSharpCompilation compilation, IEnumerable<string> more)
    {
        var namespaces = s_usual.Concat(more).Where(name => Exists(compilation, name)).Select(name => $"using {name};");
        var types = s_static.Where(name => compilation.GetTypeByMetadataName(name) is not null).Select(name => $"using static {name};");
        return string.Join(Environment.NewLine, namespaces.Concat(types).Distinct().ToImmutableArray());
    }

    private static bool Exists(CSharpCompilation compilation, string name)
    {
        var current = compilation.GlobalNamespace;
        foreach (var part in name.Split('.'))
        {
            current = current?.GetNamespaceMembers().FirstOrDefault(member => member.Name == part);
        }

        return current is not null;
    }
}
