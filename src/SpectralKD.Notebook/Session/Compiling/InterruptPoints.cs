using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>
/// Finds the places of a cell at which a running program must look whether it was interrupted: loop bodies, function bodies,
/// labels and lambdas. Everything is put within its own line, so that line numbers stay; columns are mapped back by <see cref="TextEdits"/>.
/// </summary>
internal sealed class InterruptPoints : CSharpSyntaxWalker
{
    private const string Check = "global::SpectralKD.Notebook.Session.Running.InterruptPoint.Check();";
    private readonly TextEdits _edits = new();

    private InterruptPoints()
    {
    }

    /// <summary>The insertions for one cell.</summary>
    public static TextEdits Find(SyntaxNode root)
    {
        var walker = new InterruptPoints();
        walker.Visit(root);
        return walker._edits;
    }

    public override void VisitWhileStatement(WhileStatementSyntax node)
    {
        CheckAtStart(node.Statement);
        base.VisitWhileStatement(node);
    }

    public override void VisitDoStatement(DoStatementSyntax node)
    {
        CheckAtStart(node.Statement);
        base.VisitDoStatement(node);
    }

    public override void VisitForStatement(ForStatementSyntax node)
    {
        CheckAtStart(node.Statement);
        base.VisitForStatement(node);
    }

    public override void VisitForEachStatement(ForEachStatementSyntax node)
    {
        CheckAtStart(node.Statement);
        base.VisitForEachStatement(node);
    }

    public override void VisitForEachVariableStatement(ForEachVariableStatementSyntax node)
    {
        CheckAtStart(node.Statement);
        base.VisitForEachVariableStatement(node);
    }

    public override void VisitLabeledStatement(LabeledStatementSyntax node)
    {
        _edits.Insert(node.ColonToken.Span.End, Check);
        base.VisitLabeledStatement(node);
    }

    public override void VisitMethodDeclaration(MethodDeclarationSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, GivesValue(node.ReturnType, node.Modifiers));
        base.VisitMethodDeclaration(node);
    }

    public override void VisitLocalFunctionStatement(LocalFunctionStatementSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, GivesValue(node.ReturnType, node.Modifiers));
        base.VisitLocalFunctionStatement(node);
    }

    public override void VisitOperatorDeclaration(OperatorDeclarationSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, GivesValue(node.ReturnType, node.Modifiers));
        base.VisitOperatorDeclaration(node);
    }

    public override void VisitConversionOperatorDeclaration(ConversionOperatorDeclarationSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, givesValue: true);
        base.VisitConversionOperatorDeclaration(node);
    }

    public override void VisitConstructorDeclaration(ConstructorDeclarationSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, givesValue: false);
        base.VisitConstructorDeclaration(node);
    }

    public override void VisitAccessorDeclaration(AccessorDeclarationSyntax node)
    {
        CheckInFunction(node.Body, node.ExpressionBody, node.SemicolonToken, node.IsKind(SyntaxKind.GetAccessorDeclaration));
        base.VisitAccessorDeclaration(node);
    }

    public override void VisitSimpleLambdaExpression(SimpleLambdaExpressionSyntax node)
    {
        CheckInLambda(node);
        base.VisitSimpleLambdaExpression(node);
    }

    public override void VisitParenthesizedLambdaExpression(ParenthesizedLambdaExpressionSyntax node)
    {
        CheckInLambda(node);
        base.VisitParenthesizedLambdaExpression(node);
    }

    public override void VisitAnonymousMethodExpression(AnonymousMethodExpressionSyntax node)
    {
        CheckInBlock(node.Block);
        base.VisitAnonymousMethodExpression(node);
    }

    private void CheckAtStart(StatementSyntax body)
    {
        if (body is BlockSyntax block)
        {
            CheckInBlock(block);
            return;
        }

        _edits.Insert(body.SpanStart, "{" + Check);
        _edits.Insert(body.Span.End, "}");
    }

    private void CheckInBlock(BlockSyntax block) => _edits.Insert(block.OpenBraceToken.Span.End, Check);

    private void CheckInFunction(BlockSyntax? body, ArrowExpressionClauseSyntax? arrow, SyntaxToken semicolon, bool givesValue)
    {
        if (body is not null)
        {
            CheckInBlock(body);
        }
        else if (arrow is { Expression: not ThrowExpressionSyntax } && !semicolon.IsMissing)
        {
            _edits.Replace(arrow.ArrowToken.SpanStart, arrow.ArrowToken.Span.Length, "{" + Check + (givesValue ? "return " : ""));
            _edits.Insert(semicolon.Span.End, "}");
        }
    }

    private void CheckInLambda(LambdaExpressionSyntax lambda)
    {
        // An expression stays as it is: as a block it could no longer become an expression tree, or could bind to another overload.
        if (lambda.Block is { } block)
        {
            CheckInBlock(block);
        }
    }

    /// <summary>Whether the body returns a value: not for <c>void</c>, nor for <c>async Task</c> and its like.</summary>
    private static bool GivesValue(TypeSyntax returnType, SyntaxTokenList modifiers)
    {
        var isVoid = returnType is PredefinedTypeSyntax { Keyword.RawKind: (int)SyntaxKind.VoidKeyword };
        var isAsync = modifiers.Any(SyntaxKind.AsyncKeyword);
        return !isVoid && (!isAsync || LastName(returnType) is GenericNameSyntax);
    }

    private static SimpleNameSyntax? LastName(TypeSyntax type) => type switch
    {
        QualifiedNameSyntax qualified => qualified.Right,
        AliasQualifiedNameSyntax alias => alias.Name,
        SimpleNameSyntax simple => simple,
        _ => null,
    };
}
