using Microsoft.Data.Analysis;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Directives;
using Plotly.NET;
using SpectralKD.Interactive;
using SpectralKD.Interactive.Magic;
using SpectralKD.Native;
using TorchSharp;

namespace SpectralKD.DotNetInteractive;

/// <summary>Makes the magic commands of the table known to .NET Interactive. The package's extension.dib calls it; so may a program with a kernel of its own.</summary>
/// <example><code>
/// using var kernel = new CompositeKernel { new CSharpKernel().UseKernelHelpers().UseValueSharing() };
/// await SpectralKDExtension.LoadAsync(kernel);
/// await kernel.SubmitCodeAsync("#!spectral-model deit_nano_patch8_64");
/// </code></example>
public sealed class SpectralKDExtension : IKernelExtension
{
    /// <summary>As <see cref="LoadAsync"/>, on the kernel's root.</summary>
    public Task OnLoadAsync(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return LoadAsync(kernel.RootKernel);
    }

    /// <summary>Registers formatters and commands, and shows a line that says so. A no-op where they are known already; loads nothing of torch.</summary>
    /// <param name="root">The root kernel; its kernel named <c>csharp</c> holds the variables.</param>
    public static Task LoadAsync(Kernel root)
    {
        ArgumentNullException.ThrowIfNull(root);
        // Jupyter's front end (a type of the tool's, not of its packages) would get the figure's JSON as a string.
        NotebookExtension.Install(plotlyMime: (root as CompositeKernel)?.FrontendEnvironment?.GetType().Name != "HtmlNotebookFrontendEnvironment");
        ChartScriptInKernel.Follow(root);
        Reference(root);
        var unknown = MagicCommandTable.All.Where(command => root.KernelInfo.SupportedDirectives.All(known => known.Name != command.Name)).ToList();
        foreach (var command in unknown)
        {
            root.AddDirective(Directive(command, root), RunAsync);
        }

        if (unknown.Count > 0)
        {
            KernelInvocationContext.Current?.DisplayAs(NotebookExtension.BannerHtml, "text/html");
        }

        return Task.CompletedTask;
    }

    // Cells name the types of what commands put into variables. #r "nuget: …" has referenced them already; a program with a kernel of its own has not.
    private static void Reference(Kernel root)
    {
        Type[] ofCells = [typeof(NotebookExtension), typeof(SpectralKDException), typeof(torch), typeof(DataFrame), typeof(GenericChart)];
        DotNetInteractiveHost.CSharpOf(root)?.AddAssemblyReferences(ofCells.Select(type => type.Assembly.Location).Where(location => location.Length > 0));
    }

    private static KernelActionDirective Directive(MagicCommand command, Kernel root)
    {
        var directive = new KernelActionDirective(command.Name, command.Description);
        foreach (var parameter in command.Parameters)
        {
            directive.Parameters.Add(new KernelDirectiveParameter(parameter.Name, parameter.Description)
            {
                Required = parameter.Required,
                AllowImplicitName = parameter.Implicit,
                Flag = parameter.IsFlag,
                MaxOccurrences = parameter.IsMany ? int.MaxValue : 1,
            }.AddCompletions(() => MagicCompletion.Values(parameter, new DotNetInteractiveHost(root))));
        }

        return directive;
    }

    // The host's parser binds one word to a parameter and one @name to a line; our own reads the line as it was typed, as in every other host.
    private static async Task RunAsync(KernelCommand directive, KernelInvocationContext context)
    {
        const string Before = "Directive: ";
        var line = directive.ToString()![Before.Length..];
        try
        {
            await MagicLine.ExecuteAsync(line, new DotNetInteractiveHost(context), context.CancellationToken);
        }
        catch (SpectralKDException error)
        {
            context.Fail(context.Command, message: error.Message);
        }
        catch (OperationCanceledException)
        {
            context.Fail(context.Command, message: $"{line.Split(' ', 2)[0]} was stopped");
        }
        catch (TypeInitializationException error) when (error.TypeName.StartsWith("TorchSharp", StringComparison.Ordinal))
        {
            context.Fail(context.Command, message: $"torch was used before libtorch was there, and this session cannot try again: restart the kernel, and {LibTorchLocator.Remedy}");
        }
    }
}
