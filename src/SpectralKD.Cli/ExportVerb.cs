using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd export</c>: a recipe as a command for the reference implementation on PyTorch.</summary>
internal static class ExportVerb
{
    public static Command Create()
    {
        var recipe = DistillVerb.RecipeArgument();
        var to = new Option<string>("--to") { Description = "torchrun, slurm for a batch script, or torchdistill for its YAML", DefaultValueFactory = _ => "torchrun" }
            .AcceptOnlyFromAmong(RunExport.Forms);
        var nodes = new Option<int>("--nodes") { Description = "Machines", DefaultValueFactory = _ => 1 };
        var gpus = new Option<int>("--gpus") { Description = "GPUs of one machine", DefaultValueFactory = _ => 2 };
        var data = new Option<string?>("--data-path") { Description = "Folder with train and val [the recipe's]" };
        var command = new Command("export", "Writes a recipe as the command of the authors' programs, or as torchdistill's YAML; what has no counterpart is said on stderr")
        {
            recipe, to, nodes, gpus, data,
        }.PrintsResults();
        command.SetAction(result =>
        {
            var options = new ExportOptions { Nodes = result.GetValue(nodes), GpusPerNode = result.GetValue(gpus), DataPath = result.GetValue(data) };
            var exported = RunExport.To(result.GetValue(to)!, RecipeLibrary.Open(result.GetRequiredValue(recipe)), options);
            var console = result.InvocationConfiguration;
            foreach (var note in exported.Notes)
            {
                console.Error.WriteLine($"note: {note}");
            }

            exported.RequireRuns();
            result.Print(() => exported.Text, () => new { exported.Text, exported.Notes });
            return 0;
        });
        return command;
    }
}
