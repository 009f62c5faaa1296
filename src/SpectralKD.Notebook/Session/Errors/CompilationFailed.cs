using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>A cell that does not compile.</summary>
internal sealed class CompilationFailed(IReadOnlyList<CompileError> errors) : Exception(errors[0].Line)
{
    // The compiler's own failure after an extension block, which has its error already.
    private const string CompilersOwn = "CS1569";

    /// <summary>The errors, in the order of the source.</summary>
    public IReadOnlyList<CompileError> Errors { get; } = errors;

    /// <summary>Throws where there are errors among the diagnostics.</summary>
    /// <param name="diagnostics">Of the cell as it was compiled.</param>
    /// <param name="source">The cell as the user wrote it.</param>
    /// <param name="edits">What was changed in it before it was compiled.</param>
    public static void ThrowOnErrors(IEnumerable<Diagnostic> diagnostics, SourceText source, TextEdits edits)
    {
        var errors = diagnostics
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => CompileError.From(diagnostic, source, edits))
            .DistinctBy(error => error.Line)
            .OrderBy(error => error.Position)
            .ToImmutableArray();
        if (errors.Length > 0)
        {
            throw new CompilationFailed(errors.Length > 1 ? errors.RemoveAll(error => error.Id == CompilersOwn) : errors);
        }
    }
}
