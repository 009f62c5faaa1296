using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using SpectralKD.Notebook.Session.Errors;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>
/// The compiler's warnings that a reader of a notebook wants: a call that is not awaited, a comparison that is always false, code that is never reached,
/// what is obsolete. Not those that are about a program as a whole or about order: in a notebook a variable may be unused until the next cell.
/// </summary>
internal static class CompileWarnings
{
    private const int Most = 5;

    private static readonly string[] s_hidden =
    [
        // Unused or never assigned: a later cell may.
        "CS0067", "CS0168", "CS0169", "CS0219", "CS0414", "CS0649", "CS8321",
        // Async without await, hidden names, using twice, nullable notes without nullable.
        "CS0105", "CS0108", "CS0436", "CS1998", "CS8019", "CS8632", "CS8669",
        // Versions of assemblies, documentation, file-local and lower-case types.
        "CS1591", "CS1570", "CS1572", "CS1573", "CS1587", "CS1701", "CS1702", "CS1705", "CS7021", "CS7022", "CS8981",
    ];

    /// <summary>Those that the compiler need not look for.</summary>
    public static ImmutableDictionary<string, ReportDiagnostic> Hidden { get; } = s_hidden.ToImmutableDictionary(id => id, _ => ReportDiagnostic.Suppress);

    /// <summary>A line for each: <c>(2,1): warning CS4014: …</c></summary>
    /// <param name="diagnostics">Of the cell as it was compiled.</param>
    /// <param name="source">The cell as the user wrote it.</param>
    /// <param name="edits">What was changed in it before it was compiled.</param>
    public static IReadOnlyList<string> Of(IEnumerable<Diagnostic> diagnostics, SourceText source, TextEdits edits)
        => [.. diagnostics.Where(diagnostic => diagnostic is { Severity: DiagnosticSeverity.Warning, IsSuppressed: false })
            .Select(diagnostic => CompileError.From(diagnostic, source, edits))
            .OrderBy(warning => warning.Position).Select(warning => warning.Line).Distinct().Take(Most)];
}
