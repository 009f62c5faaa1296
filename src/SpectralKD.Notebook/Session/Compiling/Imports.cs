using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>The namespaces that every cell sees.</summary>
internal static class Imports
{
    /// <summary>Those of .NET Interactive, and ours for its <c>display</c> and <c>Display</c>.</summary>
    private static readonly string[] Usual =
    [
        "System", "System.Text", "System.IO", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq",
        "Microsoft.DotNet.Interactive", "Microsoft.DotNet.Interactive.Formatting", "Microsoft.AspNetCore.Html",
        "SpectralKD.Notebook.Session.Scripting",
    ];

    /// <summary>What the product is about; a name that the user imports is preferred to one of these.</summary>
    private static readonly string[] Products =
    [
        "SpectralKD", "SpectralKD.Models", "SpectralKD.Data", "SpectralKD.Spectra", "SpectralKD.Distillation",
        "SpectralKD.Weights", "SpectralKD.Interactive", "TorchSharp", "Plotly.NET", "Microsoft.Data.Analysis",
    ];

    /// <summary>The compiler's error for a name that two <c>using</c>s bring.</summary>
    public const string Ambiguous = "CS0104";

    /// <summary>The compiler's error for a function's name where a type's is needed: <c>Markdown.ToHtml</c>, beside our <c>Markdown("…")</c>.</summary>
    public const string IsFunction = "CS0119";

    private static readonly string[] Static =
    [
        "Microsoft.DotNet.Interactive.Kernel",
    ];

    /// <summary>The <c>using</c> lines of the session's first submission: those of the namespaces that exist.</summary>
    public static string AsSource(CSharpCompilation compilation, IEnumerable<string> more)
    {
        var namespaces = Usual.Concat(Products).Concat(more).Where(name => Exists(compilation, name)).Select(name => $"using {name};");
        var types = Static.Where(name => compilation.GetTypeByMetadataName(name) is not null).Select(name => $"using static {name};");
        return string.Join(Environment.NewLine, namespaces.Concat(types).Distinct().ToImmutableArray());
    }

    /// <summary>The types that a cell means by names which both the user and the product import, the latter as a type or as a function of every cell.</summary>
    public static IEnumerable<INamedTypeSymbol> UsersTypes(CSharpCompilation cell)
    {
        var tree = cell.SyntaxTrees[0];
        var model = cell.GetSemanticModel(tree);
        foreach (var diagnostic in cell.GetDiagnostics().Where(diagnostic => diagnostic.Id is Ambiguous or IsFunction && diagnostic.Location.SourceTree == tree))
        {
            var node = tree.GetRoot().FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);
            var candidates = diagnostic.Id == Ambiguous ? model.GetSymbolInfo(node).CandidateSymbols : model.LookupNamespacesAndTypes(node.SpanStart, name: node.ToString());
            var users = candidates.OfType<INamedTypeSymbol>()
                .Where(type => type.Arity == 0 && (type.ContainingType is not null || !Products.Contains(type.ContainingNamespace.ToDisplayString()))).ToArray();
            if (users is [var meant])
            {
                yield return meant;
            }
        }
    }

    /// <summary>The types of some names in the namespaces that a cell itself imports.</summary>
    public static IEnumerable<INamedTypeSymbol> ImportedHere(CSharpCompilation cell, IEnumerable<string> names)
        => ((CompilationUnitSyntax)cell.SyntaxTrees[0].GetRoot()).Usings
            .Where(directive => directive.Alias is null && directive.StaticKeyword == default)
            .SelectMany(directive => names.Select(name => cell.GetTypeByMetadataName($"{directive.NamespaceOrType}.{name}")))
            .OfType<INamedTypeSymbol>();

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
