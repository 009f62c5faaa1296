namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-recipes</c>.</summary>
internal sealed class RecipesArguments
{
    [MagicParameter("shows this one as JSON; with --fields the fields whose name has this word", Implicit = true, Value = MagicValue.Recipe)]
    public string? Recipe { get; set; }

    [MagicParameter("explains each field: what it takes, its default, what it means")]
    public bool Fields { get; set; }
}

/// <summary>Shows the built-in recipes, one of them, or what their fields mean.</summary>
internal sealed class RecipesCommand : MagicCommand<RecipesArguments>
{
    public override string Name => "#!spectral-recipes";

    public override string Description => "the built-in recipes with size and time, one of them as JSON, or what each field means";

    public override string Example => "#!spectral-recipes nano-deit-distilled";

    protected override Task RunAsync(RecipesArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(arguments.Fields ? RecipeFieldsView.Of(arguments.Recipe)
            : arguments.Recipe is { } name ? new CodeView(RecipeLibrary.Text(name).TrimEnd()) : RecipesView.All());
        return Task.CompletedTask;
    }
}
