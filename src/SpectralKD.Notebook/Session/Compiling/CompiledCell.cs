using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>A cell that compiled.</summary>
/// <param name="Compilation">What later cells build on.</param>
/// <param name="Assembly">The assembly's bytes.</param>
/// <param name="Symbols">Portable debug information.</param>
/// <param name="EntryPoint">The submission's factory method; null where the cell holds no code (only <c>using</c>s, say).</param>
/// <param name="Advice">The compiler's warnings that are worth a reader's time, a line each.</param>
internal sealed record CompiledCell(
    CSharpCompilation Compilation, MemoryStream Assembly, MemoryStream Symbols, IMethodSymbol? EntryPoint, IReadOnlyList<string> Advice)
{
    /// <summary>True where the cell ends with an expression, which then is its value, also where that is null.</summary>
    public bool GivesValue
        => Compilation.SyntaxTrees[0].GetRoot() is CompilationUnitSyntax { Members: [.., GlobalStatementSyntax { Statement: ExpressionStatementSyntax last }] }
            && last.SemicolonToken.IsMissing
            && Compilation.GetSemanticModel(last.SyntaxTree).GetTypeInfo(last.Expression).Type is not { SpecialType: SpecialType.System_Void };
}
