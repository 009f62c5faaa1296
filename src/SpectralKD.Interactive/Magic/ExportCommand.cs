using System.Net;

namespace SpectralKD.Interactive.Magic;

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
