using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Finds the places of a cell at which a running program must look whether it was interrupted: loop bodies, function bodies, labels, lambdas
/// and the clauses of queries; those where it waits; those where it puts things in order: <c>catch</c>, <c>finally</c> and <c>Dispose</c>;
/// and calls that must be guarded. Everything is put within its own line, so that line numbers stay; columns are mapped back by
/// <see cref="TextEdits"/>.
/// </summary>
internal sealed class InterruptPoints : CSharpSyntaxWalker
{
    private const string Point = "global::SpectralKD.Notebook.Session.InterruptPoint.";
    private const string Check = Point + "Check();";
    private const string Matmul = "matmul";
    private const string Guarded = "global::SpectralKD.Notebook.Session.TorchGuard.Matmul";
    private const string Enter = Point + "Enter();";
    private readonly TextEdits _edits = new();
    private readonly Lazy<SemanticModel> _model;

    private InterruptPoints(Lazy<SemanticModel> model)
    {
        _model = model;
    }

    /// <summary>The insertions for one cell.</summary>
    /// <param name="tree">The cell as the user wrote it.</param>
    /// <param name="compile">Compiles it as it is; called only where the types of lambdas matter.</param>
    public static TextEdits Find(SyntaxTree tree, Func<Compilation> compile)
    {
        var walker = new InterruptPoints(new Lazy<SemanticModel>(() => compile().GetSemanticModel(tree)));
        walker.Visit(tree.GetRoot());
        return walker._edits;
    }

    public override void Visit(SyntaxNode? node)
    {
        var ends = node is null ? [] : Begin(node);
        base.Visit(node);
        foreach (var (at, text) in ends)
        {
            _edits.Insert(at, text);
        }
    }

    /// <summary>What is put before the parts of a node, and where they begin.</summary>
    /// <returns>What comes behind its parts, and where.</returns>
    private (int At, string Text)[] Begin(SyntaxNode node)
    {
        switch (node)
        {
            case WhileStatementSyntax { Statement: var body }:
                CheckAtStart(body);
                break;
            case DoStatementSyntax { Statement: var body }:
                CheckAtStart(body);
                break;
            case ForStatementSyntax { Statement: var body }:
                CheckAtStart(body);
                break;
            case CommonForEachStatementSyntax { Statement: var body }:
                CheckAtStart(body);
                break;
            case LabeledStatementSyntax label:
                _edits.Insert(label.ColonToken.Span.End, Check);
                break;
            case SwitchStatementSyntax choice:
                CheckAtCases(choice);
                break;
            case CatchClauseSyntax { Block: var block }:
                StepAsideIn(block);
                break;
            case FinallyClauseSyntax { Block: var block }:
                StepAsideIn(block);
                break;
            case WhereClauseSyntax { Condition: var condition }:
                return [(condition.Span.End, CheckInClause(node, condition))];
            case SelectClauseSyntax { Expression: var selected }:
                return [(selected.Span.End, CheckInClause(node, selected))];
            case AwaitExpressionSyntax wait:
                return EndWait(wait);
            case InvocationExpressionSyntax call:
                return [(call.Span.End, Guard(call))];
            case AssignmentExpressionSyntax assignment:
                return [(assignment.Right.Span.End, KeepCulture(assignment))];
            case LambdaExpressionSyntax lambda:
                return [(lambda.Span.End, CheckInLambda(lambda))];
            case AnonymousMethodExpressionSyntax { Block: var block }:
                EnterIn(block);
                break;
            case MethodDeclarationSyntax function:
                var putsInOrder = function.Identifier.Text is "Dispose" or "DisposeAsync";
                CheckInFunction(function.Body, function.ExpressionBody, function.SemicolonToken, GivesValue(function.ReturnType, function.Modifiers), putsInOrder);
                break;
            case LocalFunctionStatementSyntax function:
                CheckInFunction(function.Body, function.ExpressionBody, function.SemicolonToken, GivesValue(function.ReturnType, function.Modifiers));
                break;
            case OperatorDeclarationSyntax function:
                CheckInFunction(function.Body, function.ExpressionBody, function.SemicolonToken, GivesValue(function.ReturnType, function.Modifiers));
                break;
            case BaseMethodDeclarationSyntax function and not DestructorDeclarationSyntax:
                CheckInFunction(function.Body, function.ExpressionBody, function.SemicolonToken, givesValue: function is ConversionOperatorDeclarationSyntax);
                break;
            case AccessorDeclarationSyntax accessor:
                CheckInFunction(accessor.Body, accessor.ExpressionBody, accessor.SemicolonToken, accessor.IsKind(SyntaxKind.GetAccessorDeclaration));
                break;
            case FieldDeclarationSyntax { Parent: TypeDeclarationSyntax } field when !field.Modifiers.Any(SyntaxKind.ConstKeyword):
                field.Declaration.Variables.ToList().ForEach(variable => EnterBefore(variable.Initializer));
                break;
            case PropertyDeclarationSyntax property:
                EnterBefore(property.Initializer);
                CheckInGetter(property.ExpressionBody, property.SemicolonToken);
                break;
            case IndexerDeclarationSyntax indexer:
                CheckInGetter(indexer.ExpressionBody, indexer.SemicolonToken);
                break;
        }

        return [];
    }

    /// <summary>Around what is awaited. Of what is awaited with ConfigureAwait it is the task that must end.</summary>
    /// <returns>What comes behind it, and where.</returns>
    private (int At, string Text)[] EndWait(AwaitExpressionSyntax node)
    {
        var awaited = node.Expression is InvocationExpressionSyntax
        {
            Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "ConfigureAwait", Expression: var task },
        }
            ? task : node.Expression;
        var isInText = IsInText(node);
        _edits.Insert(node.SpanStart, isInText ? "(" : "");
        _edits.Insert(awaited.SpanStart, Point + "Await(");
        return [(awaited.Span.End, ")"), (node.Span.End, isInText ? ")" : "")];
    }

    /// <summary>Where <c>goto case</c> makes a loop of a <c>switch</c>.</summary>
    private void CheckAtCases(SwitchStatementSyntax node)
    {
        if (node.DescendantNodes().OfType<GotoStatementSyntax>().Any(jump => !jump.IsKind(SyntaxKind.GotoStatement)))
        {
            foreach (var section in node.Sections)
            {
                _edits.Insert(section.Labels.Last().Span.End, Check);
            }
        }
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

    private void StepAsideIn(BlockSyntax block) => _edits.Insert(block.OpenBraceToken.Span.End, StepAsideAt(block.OpenBraceToken.Span.End));

    private static string StepAsideAt(int position) => $"using var __aside{position}={Point}StepAside();";

    /// <summary>Around the expression of a clause, unless it becomes an expression tree.</summary>
    /// <returns>What comes behind it.</returns>
    private string CheckInClause(SyntaxNode clause, ExpressionSyntax expression)
    {
        if (OperatorOf(clause) is not { Parameters: [.., { Type: INamedTypeSymbol { DelegateInvokeMethod: not null } }] })
        {
            return "";
        }

        _edits.Insert(expression.SpanStart, $"({Point}Pass(");
        return "))";
    }

    /// <summary>Calls <see cref="TorchGuard"/> instead of a function of TorchSharp that would end the process where it fails.</summary>
    /// <returns>What comes behind it.</returns>
    private string Guard(InvocationExpressionSyntax node)
    {
        var access = node.Expression as MemberAccessExpressionSyntax;
        if ((access?.Name ?? node.Expression) is not IdentifierNameSyntax { Identifier.Text: Matmul }
            || _model.Value.GetSymbolInfo(node).Symbol is not IMethodSymbol method
            || method.ContainingType.ToDisplayString() is not ("TorchSharp.torch" or "TorchSharp.torch.Tensor")
            || (access is null && !method.IsStatic))
        {
            return "";
        }

        var isInText = IsInText(node);
        _edits.Insert(node.SpanStart, isInText ? "(" : "");
        if (method.IsStatic)
        {
            _edits.Replace(node.Expression.SpanStart, node.Expression.Span.Length, Guarded);
        }
        else
        {
            _edits.Insert(node.SpanStart, Guarded + "(");
            _edits.Replace(access!.OperatorToken.SpanStart, 1, ",");
            _edits.Replace(access.Name.SpanStart, node.ArgumentList.OpenParenToken.Span.End - access.Name.SpanStart, "");
        }

        return isInText ? ")" : "";
    }

    /// <summary>
    /// Around a culture that the cell sets, so that the next cell has it too. What a task or a thread of its own sets, and an async function, ends with these in
    /// .NET as well.
    /// </summary>
    /// <returns>What comes behind it.</returns>
    private string KeepCulture(AssignmentExpressionSyntax node)
    {
        var name = (node.Left as MemberAccessExpressionSyntax)?.Name ?? node.Left as SimpleNameSyntax;
        var function = node.FirstAncestorOrSelf<SyntaxNode>(outer => outer is AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or MethodDeclarationSyntax);
        if (name?.Identifier.Text is not ("CurrentCulture" or "CurrentUICulture") || !node.IsKind(SyntaxKind.SimpleAssignmentExpression)
            || function is AnonymousFunctionExpressionSyntax
            || (function as LocalFunctionStatementSyntax)?.Modifiers.Any(SyntaxKind.AsyncKeyword) == true
            || (function as MethodDeclarationSyntax)?.Modifiers.Any(SyntaxKind.AsyncKeyword) == true
            || _model.Value.GetSymbolInfo(node.Left).Symbol?.ContainingType.ToDisplayString() is not ("System.Globalization.CultureInfo" or "System.Threading.Thread"))
        {
            return "";
        }

        _edits.Insert(node.Right.SpanStart, $"{Point}{name.Identifier.Text}(");
        return ")";
    }

    /// <summary>True within <c>$"{…}"</c>, where a colon outside of parentheses would begin the format.</summary>
    private static bool IsInText(SyntaxNode node)
        => node.FirstAncestorOrSelf<SyntaxNode>(outer => outer is InterpolationSyntax or StatementSyntax or AnonymousFunctionExpressionSyntax)
            is InterpolationSyntax;

    private void CheckInBlock(BlockSyntax block) => _edits.Insert(block.OpenBraceToken.Span.End, Check);

    private void EnterIn(BlockSyntax body) => _edits.Insert(body.OpenBraceToken.Span.End, Enter);

    private void CheckInFunction(
        BlockSyntax? body, ArrowExpressionClauseSyntax? arrow, SyntaxToken semicolon, bool givesValue, bool putsInOrder = false)
    {
        if (body is not null)
        {
            if (putsInOrder)
            {
                StepAsideIn(body);
            }

            EnterIn(body);
        }
        else if (arrow is { Expression: not ThrowExpressionSyntax } && !semicolon.IsMissing)
        {
            var aside = putsInOrder ? StepAsideAt(arrow.ArrowToken.SpanStart) : "";
            _edits.Replace(arrow.ArrowToken.SpanStart, arrow.ArrowToken.Span.Length, "{" + aside + Enter);
            _edits.Insert(arrow.Expression.SpanStart, givesValue ? "return " : "");
            _edits.Insert(semicolon.Span.End, "}");
        }
    }

    /// <summary>Before the first value of a field or a property, which may be made by a constructor without a body of its own.</summary>
    private void EnterBefore(EqualsValueClauseSyntax? initializer)
    {
        if (initializer?.Value is BaseObjectCreationExpressionSyntax value)
        {
            _edits.Insert(value.SpanStart, $"({Point}Entered() ? ");
            _edits.Insert(value.Span.End, " : default)");
        }
    }

    private void CheckInGetter(ArrowExpressionClauseSyntax? arrow, SyntaxToken semicolon)
    {
        if (arrow is { Expression: not ThrowExpressionSyntax } && !semicolon.IsMissing)
        {
            _edits.Replace(arrow.ArrowToken.SpanStart, arrow.ArrowToken.Span.Length, "{get{" + Enter);
            _edits.Insert(arrow.Expression.SpanStart, "return ");
            _edits.Insert(semicolon.Span.End, "}}");
        }
    }

    /// <returns>What comes behind it.</returns>
    private string CheckInLambda(LambdaExpressionSyntax lambda)
    {
        if (lambda.Block is { } block)
        {
            EnterIn(block);
        }
        else if (lambda.ExpressionBody is { } body and not (ThrowExpressionSyntax or RefExpressionSyntax) && MeaningOf(lambda) is { } method)
        {
            var isAsync = lambda.AsyncKeyword != default;
            var isStatement = method.ReturnsVoid || (isAsync && method.ReturnType is INamedTypeSymbol { IsGenericType: false });
            _edits.Insert(lambda.ArrowToken.Span.End, "{" + Enter);
            _edits.Insert(body.SpanStart, isStatement ? "" : "return ");
            return ";}";
        }

        return "";
    }

    /// <summary>
    /// The method of the delegate that a lambda becomes; null for an expression tree, which takes no statements, and where the cell does
    /// not compile.
    /// </summary>
    private IMethodSymbol? MeaningOf(LambdaExpressionSyntax lambda)
        => (_model.Value.GetTypeInfo(lambda).ConvertedType as INamedTypeSymbol)?.DelegateInvokeMethod is { ReturnsByRef: false } method
            && method.ReturnType.TypeKind != TypeKind.Error ? method : null;

    /// <summary>The method that a query's clause calls; null for none, and where the cell does not compile.</summary>
    private IMethodSymbol? OperatorOf(SyntaxNode clause) => clause switch
    {
        // Right after a second "from" the two are one call.
        SelectClauseSyntax { Parent: QueryBodySyntax { Clauses: [.., FromClauseSyntax from] } } => OperatorOf(from),
        SelectClauseSyntax select => _model.Value.GetSymbolInfo(select).Symbol as IMethodSymbol,
        QueryClauseSyntax query => _model.Value.GetQueryClauseInfo(query).OperationInfo.Symbol as IMethodSymbol,
        _ => null,
    };

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
