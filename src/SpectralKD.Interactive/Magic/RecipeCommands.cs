using System.Net;

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

/// <summary>Parameters of <c>#!spectral-methods</c>.</summary>
internal sealed class MethodsArguments
{
    [MagicParameter("one method, with what its arguments mean", Implicit = true, Value = MagicValue.Method)]
    public string? Name { get; set; }
}

/// <summary>Shows the methods to learn from a teacher.</summary>
internal sealed class MethodsCommand : MagicCommand<MethodsArguments>
{
    public override string Name => "#!spectral-methods";

    public override string Description => "the losses that --losses takes: what they compare, official defaults, source";

    public override string Example => "#!spectral-methods dkd";

    protected override Task RunAsync(MethodsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(MethodsView.Of(arguments.Name));
        return Task.CompletedTask;
    }
}

/// <summary>For which program a recipe is written out.</summary>
internal enum ExportForm
{
    /// <summary>The authors' program, started on one machine.</summary>
    Torchrun,

    /// <summary>The same as a batch script.</summary>
    Slurm,

    /// <summary>torchdistill's YAML.</summary>
    Torchdistill,
}

/// <summary>Parameters of <c>#!spectral-export</c>.</summary>
internal sealed class ExportArguments
{
    [MagicParameter("a recipe.json, a built-in recipe, or a variable that holds a run or a recipe", Implicit = true, Required = true, Value = MagicValue.Recipe)]
    public string Recipe { get; set; } = "";

    [MagicParameter("the authors' program by torchrun, in a slurm batch script, or torchdistill's YAML")]
    public ExportForm To { get; set; }

    [MagicParameter("machines")]
    public int Nodes { get; set; } = 1;

    [MagicParameter("GPUs of one machine")]
    public int Gpus { get; set; } = 2;

    [MagicParameter("folder with train and val (the recipe's)", Value = MagicValue.Path)]
    public string? DataPath { get; set; }

    [MagicParameter("C# variable for the text", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "exported";
}

/// <summary>Writes a recipe as the command of the authors' program, or as torchdistill's YAML.</summary>
internal sealed class ExportCommand : MagicCommand<ExportArguments>
{
    public override string Name => "#!spectral-export";

    public override string Description => "writes a recipe or a run as the command of the authors' program, or as torchdistill's YAML";

    public override string Example => "#!spectral-export paper-deit-tiny --to slurm";

    protected override async Task RunAsync(ExportArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var recipe = host.TryGetVariable(arguments.Recipe.TrimStart('@'), out var value) ? value switch
        {
            DistillationRecipe given => given,
            DistillationRun { Recipe: { } done } => done,
            _ => throw new SpectralKDException($"the variable {arguments.Recipe} holds no recipe, and no run that was made by one"),
        }
        : RecipeLibrary.Open(arguments.Recipe);
        var exported = RunExport.To(
            RunExport.Forms[(int)arguments.To], recipe, new ExportOptions { Nodes = arguments.Nodes, GpusPerNode = arguments.Gpus, DataPath = arguments.DataPath });
        if (exported.Notes.Count > 0)
        {
            host.Display(new MessageView("what is otherwise there, or has no counterpart:", exported.Notes));
        }

        exported.RequireRuns();
        await host.SetVariableAsync(arguments.As, exported.Text, typeof(string));
        host.Display(new CodeView(exported.Text));
    }
}

/// <summary>A text to be copied, as it stands.</summary>
internal sealed record CodeView(string Text) : INotebookView
{
    public string ToHtml() => $"<pre style=\"overflow-x:auto\">{WebUtility.HtmlEncode(Text)}</pre>";

    public string ToPlainText() => Text;
}
