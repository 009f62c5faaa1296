using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>The namespaces that every cell sees.</summary>
internal static class Imports
{
    /// <summary>Those of .NET Interactive, and ours for its <c>display</c> and <c>Display</c>.</summary>
    private static readonly string[] s_usual =
    [
        "System", "System.Text", "System.IO", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq",
        "Microsoft.DotNet.Interactive", "Microsoft.DotNet.Interactive.Formatting", "Microsoft.AspNetCore.Html",
        "SpectralKD.Notebook.Session.Scripting",
    ];

    /// <summary>What the product is about; a name that the user imports is preferred to one of these.</summary>
    private static readonly string[] s_products =
    [
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
        var namespaces = s_usual.Concat(s_products).Concat(more).Where(name => Exists(compilation, name)).Select(name => $"using {name};");
        var types = s_static.Where(name => compilation.GetTypeByMetadataName(name) is not null).Select(name => $"using static {name};");
        return string.Join(Environment.NewLine, namespaces.Concat(types).Distinct().ToImmutableArray());
    }

    /// <summary>
    /// For each name of a cell that is ambiguous because the user and the product import it, <c>using Color = global::System.Drawing.Color;</c>.
    /// </summary>
    public static IEnumerable<string> AliasesFor(CSharpCompilation cell)
    {
        var tree = cell.SyntaxTrees[0];
        var model = cell.GetSemanticModel(tree);
        foreach (var diagnostic in cell.GetDiagnostics().Where(diagnostic => diagnostic.Id == "CS0104" && diagnostic.Location.SourceTree == tree))
        {
            var node = tree.GetRoot().FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);
            var users = model.GetSymbolInfo(node).CandidateSymbols.OfType<INamedTypeSymbol>()
                .Where(type => type.Arity == 0 && !s_products.Contains(type.ContainingNamespace.ToDisplayString())).ToArray();
            if (users is [var meant])
            {
                yield return $"using {meant.Name} = {meant.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat)};";
            }
        }
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
