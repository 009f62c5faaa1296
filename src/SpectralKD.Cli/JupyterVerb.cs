using System.CommandLine;
using SpectralKD.Notebook.Jupyter;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd jupyter</c>: the kernel for Jupyter front ends.</summary>
internal static class JupyterVerb
{
    public static Command Create() => new("jupyter", "The kernel for VS Code, JupyterLab, Jupyter Notebook, nbclient and papermill")
    {
        Install(), Uninstall(), List(), Start(),
    };

    private static Option<string> Name() => new("--name") { Description = "Name of the kernel", DefaultValueFactory = _ => "spectralkd" };

    private static Option<string?> Prefix() => new("--prefix") { Description = "Folder of a Python environment (sys.prefix) instead of the user's own Jupyter folder" };

    private static Option<bool> User(Option<string?> prefix)
    {
        var user = new Option<bool>("--user") { Description = "The user's own Jupyter folder, which is the default" };
        user.Validators.Add(result =>
        {
            if (result.GetValue(user) && result.GetValue(prefix) is { } folder)
            {
                result.AddError($"--user and --prefix {folder} name two places: leave one of them out");
            }
        });
        return user;
    }

    private static Option<bool> SkipUnknown()
        => new("--skip-unknown") { Description = "The kernel passes over cells of F#, SQL and other languages that do not run in it, with a note, instead of failing" };

    private static Command Install()
    {
        var (name, prefix, skip) = (Name(), Prefix(), SkipUnknown());
        var command = new Command("install", "Registers the kernel with Jupyter") { name, prefix, User(prefix), skip }.PrintsResults();
        command.SetAction(result =>
        {
            var spec = KernelSpec.Install(new KernelSpecOptions
            {
                Name = result.GetRequiredValue(name),
                Prefix = result.GetValue(prefix),
                SkipUnknown = result.GetValue(skip),
            });
            result.Print(() => $"installed {spec.Name} ({spec.DisplayName}) in {spec.Folder}", () => Figures(spec));
        });
        return command;
    }

    private static Command Uninstall()
    {
        var (name, prefix) = (Name(), Prefix());
        var command = new Command("uninstall", "Removes the kernel from Jupyter") { name, prefix, User(prefix) }.PrintsResults();
        command.SetAction(result =>
        {
            var removed = KernelSpec.Uninstall(result.GetRequiredValue(name), result.GetValue(prefix));
            result.Print(() => $"removed {removed}", () => new { Removed = removed });
        });
        return command;
    }

    private static Command List()
    {
        var prefix = Prefix();
        var command = new Command("list", "Lists the installed kernels of this program") { prefix, User(prefix) }.PrintsResults();
        command.SetAction(result =>
        {
            var installed = KernelSpec.List(result.GetValue(prefix));
            result.Print(
                () => installed.Count == 0 ? "none installed; spectralkd jupyter install does it"
                    : string.Join(Environment.NewLine, installed.Select(spec => $"{spec.Name}\t{spec.DisplayName}\t{spec.Folder}{(spec.IsRunnable ? "" : "\t(its program is gone: install again)")}")),
                () => installed.Select(Figures));
        });
        return command;
    }

    private static object Figures(InstalledKernelSpec spec) => new { spec.Name, spec.DisplayName, spec.Folder, spec.IsRunnable };

    private static Command Start()
    {
        var connection = new Argument<string>("connection-file") { Description = "The file in which Jupyter gives ports and key" };
        var skip = SkipUnknown();
        var command = new Command("start", "Runs the kernel; Jupyter calls this") { connection, skip };
        command.SetAction(async (result, cancel) =>
        {
            await JupyterKernel.RunAsync(
                result.GetRequiredValue(connection),
                ask => new CSharpSession(new CSharpSessionOptions { Input = ask, SkipUnknown = result.GetValue(skip) }),
                cancellationToken: cancel);
            return 0;
        });
        return command;
    }
}
