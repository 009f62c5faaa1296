using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Running;

/// <summary>The variables that a cell tagged <c>parameters</c> declares, with the type that each keeps when its value is replaced.</summary>
internal static class DeclaredParameters
{
    private static readonly CSharpParseOptions Script = new(kind: SourceCodeKind.Script);

    /// <summary>Name to C# type in source form; <c>var</c> where neither the declaration nor its literal tells.</summary>
    public static IReadOnlyDictionary<string, string> In(string source)
    {
        var declared = new Dictionary<string, string>(StringComparer.Ordinal);
        if (NestedCode.IsTooDeep(source))
        {
            return declared;
        }
        var root = CSharpSyntaxTree.ParseText(source, Script).GetCompilationUnitRoot();
        foreach (var declaration in root.Members.SelectMany(Declarations))
        {
            foreach (var variable in declaration.Variables)
            {
                declared[variable.Identifier.ValueText] = TypeOf(declaration, variable);
            }
        }
        return declared;
    }

    private static IEnumerable<VariableDeclarationSyntax> Declarations(MemberDeclarationSyntax member) => member switch
    {
        FieldDeclarationSyntax field => [field.Declaration],
        GlobalStatementSyntax { Statement: LocalDeclarationStatementSyntax local } => [local.Declaration],
        _ => [],
    };

    private static string TypeOf(VariableDeclarationSyntax declaration, VariableDeclaratorSyntax variable)
        => declaration.Type.IsVar ? LiteralType(variable.Initializer?.Value) : declaration.Type.ToString();

    private static string LiteralType(ExpressionSyntax? value) => value switch
    {
        PrefixUnaryExpressionSyntax sign => LiteralType(sign.Operand),
        InterpolatedStringExpressionSyntax => "string",
        LiteralExpressionSyntax literal => literal.Token.Value switch
        {
            bool => "bool",
            string => "string",
            int => "int",
            long => "long",
            float => "float",
            double => "double",
            decimal => "decimal",
            _ => "var",
        },
        _ => "var",
    };
}
