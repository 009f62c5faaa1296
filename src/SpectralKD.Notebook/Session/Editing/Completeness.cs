using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Editing;

/// <summary>Whether Enter should run a piece of code.</summary>
internal static class Completeness
{
    private const string Step = "    ";

    // "text without its end, which the next line cannot bring.
    private const string OpenText = "CS1010";

    /// <summary>The code's status, with the indentation for its next line.</summary>
    public static CodeCompleteness Of(string code)
    {
        if (NestedCode.IsTooDeep(code))
        {
            return new CodeCompleteness("invalid");
        }
        var tree = CSharpSyntaxTree.ParseText(UsingDeclarations.TakeOut(Cells.CellText.WithoutMagic(code), []), CellCompiler.ParseOptions);
        var diagnostics = tree.GetDiagnostics().ToArray();
        if (diagnostics.Any(diagnostic => diagnostic.Id == OpenText))
        {
            return new CodeCompleteness("invalid");
        }

        if (!SyntaxFactory.IsCompleteSubmission(tree) || diagnostics.Any(Cells.CellText.IsUnterminated))
        {
            return IsWrongBeforeItsEnd(tree, diagnostics) ? new CodeCompleteness("invalid") : new CodeCompleteness("incomplete", NextIndent(code));
        }

        var hasErrors = diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        return new CodeCompleteness(hasErrors ? "invalid" : "complete");
    }

    // What is missing is reported at the end; an error before the last word is one that no further line can mend.
    private static bool IsWrongBeforeItsEnd(SyntaxTree tree, IReadOnlyList<Diagnostic> diagnostics)
    {
        var last = tree.GetRoot().GetLastToken().SpanStart;
        return !diagnostics.Any(Cells.CellText.IsUnterminated)
            && diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Location.SourceSpan.End < last);
    }

    private static string NextIndent(string code)
    {
        var last = code.TrimEnd().Split('\n')[^1].TrimEnd('\r');
        var indent = last[..(last.Length - last.TrimStart().Length)];
        return last.EndsWith('{') || last.EndsWith('(') || last.EndsWith('[') ? indent + Step : indent;
    }
}
